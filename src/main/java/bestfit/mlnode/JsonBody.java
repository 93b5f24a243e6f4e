package bestfit.mlnode;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Takes a request's body for a JSON object as FastAPI and pydantic do, with their answer when it is none. Pure. */
public sealed interface JsonBody {
    /** An object, its fields not looked at. */
    record Fields(ObjectNode object) implements JsonBody {}

    /** The body of a 422. */
    record Invalid(ObjectNode answer) implements JsonBody {}

    /**
     * Reads a body.
     *
     * @param contentType the header; absent means JSON, as gonka's Go client sends none
     */
    static JsonBody read(Optional<String> contentType, byte[] body) {
        if (body.length == 0) {
            return invalid(problem("missing", "Field required", null, "body"));
        }
        var text = new String(body, StandardCharsets.UTF_8);
        if (!contentType.map(JsonBody::isJson).orElse(true)) {
            return invalid(notAnObject(Json.MAPPER.valueToTree(text)));
        }
        JsonNode json;
        try {
            json = Json.parse(text);
        } catch (JacksonException broken) {
            return invalid(notJson(text, broken));
        }
        if (json.isNull() || json.isMissingNode()) {
            return invalid(problem("missing", "Field required", null, "body"));
        }
        return json instanceof ObjectNode object ? new Fields(object) : invalid(notAnObject(json));
    }

    private static boolean isJson(String contentType) {
        var type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return type.isEmpty() || type.equals("application/json") || type.matches("application/.+\\+json");
    }

    /** A field that must be a string; what is wrong with it is added to {@code problems}. */
    static String string(ObjectNode body, String name, List<ObjectNode> problems) {
        var value = body.get(name);
        if (value == null) {
            problems.add(problem("missing", "Field required", body, "body", name));
        } else if (!value.isString()) {
            problems.add(problem("string_type", "Input should be a valid string", value, "body", name));
        } else {
            return value.stringValue();
        }
        return "";
    }

    private static ObjectNode notAnObject(JsonNode input) {
        return problem(
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
                input,
                "body");
    }

    private static ObjectNode notJson(String text, JacksonException broken) {
        var error = PythonJson.error(text)
                .orElseGet(() -> new PythonJson.Problem(String.valueOf(broken.getOriginalMessage()), 0));
        var problem = problem("json_invalid", "JSON decode error", Json.object(), "body", error.position());
        problem.putObject("ctx").put("error", error.message());
        return problem;
    }

    /** One entry of a 422's {@code detail}. */
    static ObjectNode problem(String type, String message, @Nullable JsonNode input, Object... location) {
        var problem = Json.object().put("type", type);
        var loc = problem.putArray("loc");
        for (var part : location) {
            if (part instanceof Integer index) {
                loc.add(index);
            } else {
                loc.add(part.toString());
            }
        }
        problem.put("msg", message);
        if (input == null) {
            problem.putNull("input");
        } else {
            problem.set("input", input.deepCopy());
        }
        return problem;
    }

    /** The body of a 422 with these problems. */
    static ObjectNode answer(List<ObjectNode> problems) {
        var answer = Json.object();
        var detail = answer.putArray("detail");
        problems.forEach(detail::add);
        return answer;
    }

    private static Invalid invalid(ObjectNode problem) {
        return new Invalid(answer(List.of(problem)));
    }
}
