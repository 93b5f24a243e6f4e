package bestfit.config;

import java.io.StringWriter;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.BinaryNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** JSON as trees and as text; thread-safe. Not for hot paths. */
public final class Json {
    private static final JsonFactory FORMAT = new JsonFactory();
    private static final JsonReader READER = new JsonReader(FORMAT);
    private static final JsonReader PYTHON = new JsonReader(JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build());

    /** What Jackson adds: where a bracket opened, how to allow it, where a limit comes from. */
    private static final Pattern FOR_PROGRAMMERS =
            Pattern.compile(" \\(start marker at .*|: enable `.*|, from `[^`]*`");

    private Json() {}

    /**
     * Parses a document.
     *
     * @throws JacksonException if it is not JSON
     */
    public static JsonNode parse(String text) {
        return READER.read(text);
    }

    /**
     * Parses a document in UTF-8, UTF-16 or UTF-32.
     *
     * @throws JacksonException if it is not JSON
     */
    public static JsonNode parse(byte[] text) {
        return READER.read(text);
    }

    /**
     * Parses what Python's {@code json} takes: numbers that are none, too.
     *
     * @throws JacksonException if it is not even that
     */
    public static JsonNode parsePython(String text) {
        return PYTHON.read(text);
    }

    /** What is wrong with a document of one line, and where, for people. */
    public static String problemOfLine(JacksonException broken) {
        var at = broken.getLocation();
        return at == null ? inWords(broken) : inWords(broken) + " at column " + at.getColumnNr();
    }

    private static String inWords(JacksonException broken) {
        return FOR_PROGRAMMERS.matcher(broken.getOriginalMessage()).replaceAll("");
    }

    /** What is wrong with a document, and where, for people. */
    public static String problem(JacksonException broken) {
        var text = inWords(broken);
        var at = broken.getLocation();
        return at == null || at.getLineNr() < 1
                ? text
                : text + " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    }

    /** What a node's {@code toString} says, too, but with a mapper that it builds: see {@link JsonReader}. */
    public static String write(JsonNode tree) {
        var text = new StringWriter();
        try (var out = FORMAT.createGenerator(ObjectWriteContext.empty(), text)) {
            write(tree, out);
        }
        return text.toString();
    }

    /** The text as JSON: in quotes and escaped. */
    public static String write(String text) {
        return write(StringNode.valueOf(text));
    }

    private static void write(JsonNode node, JsonGenerator out) {
        switch (node) {
            case ObjectNode object -> {
                out.writeStartObject();
                for (var property : object.properties()) {
                    out.writeName(property.getKey());
                    write(property.getValue(), out);
                }
                out.writeEndObject();
            }
            case ArrayNode array -> {
                out.writeStartArray();
                array.forEach(each -> write(each, out));
                out.writeEndArray();
            }
            case NullNode _ -> out.writeNull();
            case BinaryNode bytes -> out.writeBinary(bytes.binaryValue());
            default -> node.serialize(out, null); // the others ask for no context
        }
    }

    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    public static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }
}
