package bestfit.openai;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What does not fit in a body, in pydantic's order and words; vLLM tells the first ten. */
final class ShapeFaults {
    /** @param context the content of the error's {@code ctx}; empty for none */
    private record Fault(String kind, String location, String message, JsonNode input, String context) {}

    private static final int MOST_TOLD = 10;
    /** Bytes of an input that pydantic tells by itself; of a longer one it shows the beginning and the end. */
    private static final int LONGEST_INPUT = 50;

    private final List<Fault> found = new ArrayList<>();

    /** @param kind pydantic's error type such as {@code missing} */
    void add(String kind, String location, String message, JsonNode input) {
        add(kind, location, message, input, "");
    }

    /** @param context the content of the error's {@code ctx}; empty for none */
    void add(String kind, String location, String message, JsonNode input, String context) {
        found.add(new Fault(kind, location, message, input, context));
    }

    /** What a validator of vLLM's own refuses. */
    void addValueError(String location, String message, JsonNode input) {
        add(
                "value_error",
                location,
                "Value error, " + message,
                input,
                "'error': ValueError(" + PythonText.quoted(message) + ")");
    }

    void addAll(ShapeFaults others) {
        found.addAll(others.found);
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    /** @throws ApiException 400 with all of them, as FastAPI's handler in vLLM tells what a body lacks */
    void throwIfAny() {
        if (found.isEmpty()) {
            return;
        }
        var text = new StringBuilder().append(count()).append(':');
        found.stream().limit(MOST_TOLD).forEach(fault -> text.append("\n  ").append(asDict(fault)));
        if (found.size() > MOST_TOLD) {
            text.append("\n  ...and ").append(found.size() - MOST_TOLD).append(" more errors");
        }
        throw new ApiException(new ApiError(
                400, "Bad Request", text.toString(), found.getFirst().location()));
    }

    /** @throws ApiException 400 with all of them, as pydantic's own exception tells what {@code title} lacks */
    void throwAsPydantic(String title) {
        if (found.isEmpty()) {
            return;
        }
        var text = new StringBuilder(count()).append(" for ").append(title);
        for (var fault : found) {
            if (!fault.location().isEmpty()) {
                text.append('\n').append(fault.location());
            }
            text.append("\n  ").append(fault.message());
            text.append(" [type=").append(fault.kind());
            text.append(", input_value=").append(shortened(PythonText.repr(fault.input())));
            text.append(", input_type=").append(PythonText.type(fault.input())).append(']');
            text.append("\n    For further information visit https://errors.pydantic.dev/2.14/v/");
            text.append(fault.kind());
        }
        throw new ApiException(ApiError.badRequest(text.toString(), null));
    }

    private String count() {
        return found.size() + (found.size() == 1 ? " validation error" : " validation errors");
    }

    private static String asDict(Fault fault) {
        return "{'type': '" + fault.kind() + "', 'loc': '" + fault.location() + "', 'msg': "
                + PythonText.quoted(fault.message()) + ", 'input': "
                + PythonText.quoted(PythonText.summary(fault.input()))
                + (fault.context().isEmpty() ? "" : ", 'ctx': {" + fault.context() + "}")
                + "}";
    }

    private static String shortened(String repr) {
        var bytes = repr.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= LONGEST_INPUT) {
            return repr;
        }
        int head = LONGEST_INPUT / 2;
        while (isInside(bytes[head])) {
            head--;
        }
        int tail = bytes.length - LONGEST_INPUT / 2 + 1;
        while (isInside(bytes[tail])) {
            tail++;
        }
        return new String(bytes, 0, head, StandardCharsets.UTF_8) + "..."
                + new String(bytes, tail, bytes.length - tail, StandardCharsets.UTF_8);
    }

    /** True of a byte of UTF-8 that does not begin a character. */
    private static boolean isInside(byte of) {
        return (of & 0xC0) == 0x80;
    }
}
