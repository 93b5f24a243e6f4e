package bestfit.mlnode;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the body of an up request as FastAPI and pydantic do, with their answer when it is none. Pure. */
public sealed interface UpBody {
    /** A request to act on. */
    record Valid(UpRequest request) implements UpBody {}

    /** Every problem found, in pydantic's form. */
    record Invalid(int status, ObjectNode answer) implements UpBody {}

    /**
     * Reads a body.
     *
     * @param contentType the header; absent means JSON, as gonka's Go client sends none
     */
    static UpBody read(Optional<String> contentType, byte[] body) {
        return switch (JsonBody.read(contentType, body)) {
            case JsonBody.Fields(var object) -> fields(object);
            case JsonBody.Invalid(int status, var answer) -> new Invalid(status, answer);
        };
    }

    private static UpBody fields(ObjectNode body) {
        var problems = new ArrayList<ObjectNode>();
        var model = value(body, "model", problems);
        var dtype = value(body, "dtype", problems);
        var args = strings(body, problems);
        return problems.isEmpty()
                ? new Valid(new UpRequest(model, dtype, args))
                : new Invalid(422, JsonBody.answer(problems));
    }

    /** A field that becomes a word of the engine's command line, where it must not pass for a flag. */
    private static String value(ObjectNode body, String name, List<ObjectNode> problems) {
        var value = JsonBody.string(body, name, problems);
        if (value.startsWith("-")) {
            var message = "Value error, a " + name + " does not begin with a dash, as flags do";
            problems.add(JsonBody.problem("value_error", message, body.get(name), "body", name));
        }
        return value;
    }

    private static List<String> strings(ObjectNode body, List<ObjectNode> problems) {
        var name = "additional_args";
        var value = body.get(name);
        var strings = new ArrayList<String>();
        if (value instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                var each = array.get(i);
                var wrong = JsonBody.NoString.of(each);
                if (wrong.isEmpty()) {
                    strings.add(each.stringValue());
                } else {
                    problems.add(wrong.get().problem(each, "body", name, i));
                }
            }
        } else if (value != null) {
            problems.add(JsonBody.problem("list_type", "Input should be a valid list", value, "body", name));
        }
        return strings;
    }
}
