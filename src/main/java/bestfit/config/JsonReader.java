package bestfit.config;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes trees of documents in one dialect of JSON; thread-safe. It does without a {@code JsonMapper}: the first one would cost the start
 * of a command tens of milliseconds of CPU, for a calendar and so the data of locales.
 */
public final class JsonReader {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final JsonFactory dialect;

    public JsonReader(JsonFactory dialect) {
        this.dialect = dialect;
    }

    /**
     * A missing node for an empty document.
     *
     * @throws JacksonException if it is not in this dialect, or something follows it
     */
    public JsonNode read(String text) {
        return tree(dialect.createParser(ObjectReadContext.empty(), text));
    }

    /** {@link #read(String)} of UTF-8, UTF-16 or UTF-32, which the first bytes tell. */
    JsonNode read(byte[] text) {
        return tree(dialect.createParser(ObjectReadContext.empty(), text));
    }

    private static JsonNode tree(JsonParser opened) {
        try (var parser = opened) {
            if (parser.nextToken() == null) {
                return NODES.missingNode();
            }
            var tree = value(parser);
            if (parser.nextToken() != null) {
                throw new StreamReadException(
                        parser, "More follows after the end of the value", parser.currentTokenLocation());
            }
            return tree;
        }
    }

    /** The parser bounds how deep it recurs. */
    private static JsonNode value(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> NODES.stringNode(parser.getString());
            case VALUE_NUMBER_INT -> whole(parser);
            case VALUE_NUMBER_FLOAT -> NODES.numberNode(parser.getDoubleValue());
            case VALUE_TRUE, VALUE_FALSE -> NODES.booleanNode(parser.getBooleanValue());
            case VALUE_NULL -> NODES.nullNode();
            default -> throw new StreamReadException(parser, "Unexpected " + parser.currentToken());
        };
    }

    private static ObjectNode object(JsonParser parser) {
        var object = NODES.objectNode();
        for (var name = parser.nextName(); name != null; name = parser.nextName()) {
            parser.nextToken();
            object.set(name, value(parser));
        }
        return object;
    }

    private static ArrayNode array(JsonParser parser) {
        var array = NODES.arrayNode();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            array.add(value(parser));
        }
        return array;
    }

    private static JsonNode whole(JsonParser parser) {
        return switch (parser.getNumberType()) {
            case INT -> NODES.numberNode(parser.getIntValue());
            case LONG -> NODES.numberNode(parser.getLongValue());
            default -> NODES.numberNode(parser.getBigIntegerValue());
        };
    }
}
