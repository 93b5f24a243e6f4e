package bestfit.openai;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What does not fit in a body, in pydantic's order and words; vLLM tells the first ten. */
final class ShapeFaults {
    private static final int MOST_TOLD = 10;

    private final List<String> told = new ArrayList<>();
    private final List<String> locations = new ArrayList<>();

    /** @param kind pydantic's error type such as {@code missing} */
    void add(String kind, String location, String message, JsonNode input) {
        add(kind, location, message, PythonText.summary(input), "");
    }

    /** @param context the content of the error's {@code ctx}; empty for none */
    void add(String kind, String location, String message, String input, String context) {
        locations.add(location);
        told.add("{'type': '" + kind + "', 'loc': '" + location + "', 'msg': " + PythonText.quoted(message)
                + ", 'input': " + PythonText.quoted(input)
                + (context.isEmpty() ? "" : ", 'ctx': {" + context + "}")
                + "}");
    }

    /** What a validator of vLLM's own refuses. */
    void addValueError(String location, String message, JsonNode input) {
        var summary = PythonText.summary(input);
        add(
                "value_error",
                location,
                "Value error, " + message,
                summary,
                "'error': ValueError(" + PythonText.quoted(message) + ")");
    }

    void addAll(ShapeFaults others) {
        told.addAll(others.told);
        locations.addAll(others.locations);
    }

    boolean isEmpty() {
        return told.isEmpty();
    }

    /** @throws ApiException 400 with all of them */
    void throwIfAny() {
        if (told.isEmpty()) {
            return;
        }
        var text = new StringBuilder().append(told.size());
        text.append(told.size() == 1 ? " validation error:" : " validation errors:");
        told.stream().limit(MOST_TOLD).forEach(fault -> text.append("\n  ").append(fault));
        if (told.size() > MOST_TOLD) {
            text.append("\n  ...and ").append(told.size() - MOST_TOLD).append(" more errors");
        }
        throw new ApiException(new ApiError(400, "Bad Request", text.toString(), locations.getFirst()));
    }
}
