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
import tools.jackson.databind.node.StringNode;

/** Takes a request's body for a JSON object as FastAPI and pydantic do, with their answer when it is none. Pure. */
public sealed interface JsonBody {
    /** Why a value is no string, in pydantic's words. */
    record NoString(String type, String message) {
        private static final NoString TYPE = new NoString("string_type", "Input should be a valid string");
        private static final NoString UNICODE = new NoString(
                "string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string");

        /** Empty for a string. */
        static Optional<NoString> of(JsonNode value) {
            if (!value.isString()) {
                return Optional.of(TYPE);
            }
            return PythonBody.isHalved(value.stringValue()) ? Optional.of(UNICODE) : Optional.empty();
        }

        ObjectNode problem(JsonNode value, Object... location) {
            return JsonBody.problem(type, message, value, location);
        }
    }

    /** An object, its fields not looked at. */
    record Fields(ObjectNode object) implements JsonBody {}

    /** What is answered instead: a 422, or a 400 for what Python fails to read in another way than by syntax. */
    record Invalid(int status, ObjectNode answer) implements JsonBody {}

    /**
     * Reads a body.
     *
     * @param contentType the header; absent means JSON, as gonka's Go client sends none
     */
    static JsonBody read(Optional<String> contentType, byte[] body) {
        if (body.length == 0) {
            return invalid(problem("missing", "Field required", null, "body"));
        }
        if (!contentType.map(JsonBody::isJson).orElse(true)) {
            return invalid(notAnObject(StringNode.valueOf(new String(body, StandardCharsets.UTF_8))));
        }
        var text = PythonBody.text(body);
        if (text.isEmpty()) {
            return unreadable();
        }
        var error = PythonJson.error(text.get());
        if (error.isPresent()) {
            return error.get().syntax() ? invalid(notJson(error.get())) : unreadable();
        }
        JsonNode json;
        try {
            json = PythonBody.parse(text.get());
        } catch (JacksonException unforeseen) {
            return unreadable();
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
        } else {
            NoString.of(value).ifPresent(wrong -> problems.add(wrong.problem(value, "body", name)));
            return value.isString() ? value.stringValue() : "";
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

    private static ObjectNode notJson(PythonJson.Problem error) {
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
            problem.set("input", PythonBody.told(input));
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
        return new Invalid(422, answer(List.of(problem)));
    }

    private static Invalid unreadable() {
        return new Invalid(400, Json.object().put("detail", "There was an error parsing the body"));
    }
}
