package bestfit.config;

import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The one JSON mapper of the program; thread-safe. Not for hot paths. */
public final class Json {
    public static final JsonMapper MAPPER = JsonMapper.builder().build();

    private static final JsonMapper PYTHON = JsonMapper.builder(JsonFactory.builder()
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .build())
            .build();

    private Json() {}

    /**
     * Parses a document.
     *
     * @throws JacksonException if it is not JSON
     */
    public static JsonNode parse(String text) {
        return MAPPER.readTree(text);
    }

    /**
     * Parses what Python's {@code json} takes: numbers that are none, too.
     *
     * @throws JacksonException if it is not even that
     */
    public static JsonNode parsePython(String text) {
        return PYTHON.readTree(text);
    }

    /** What is wrong with a document of one line, and where, for people. */
    public static String problemOfLine(JacksonException broken) {
        var at = broken.getLocation();
        return at == null ? inWords(broken) : inWords(broken) + " at column " + at.getColumnNr();
    }

    private static String inWords(JacksonException broken) {
        var message = broken.getOriginalMessage();
        // Jackson adds where a bracket opened, in words for programmers.
        return message.startsWith("Trailing token")
                ? "More follows after the end of the value"
                : message.replaceFirst(" \\(start marker at .*", "");
    }

    /** What is wrong with a document, and where, for people. */
    public static String problem(JacksonException broken) {
        var text = inWords(broken);
        var at = broken.getLocation();
        return at == null || at.getLineNr() < 1
                ? text
                : text + " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    }

    public static String write(Object value) {
        return MAPPER.writeValueAsString(value);
    }

    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    public static ArrayNode array() {
        return MAPPER.createArrayNode();
    }
}
