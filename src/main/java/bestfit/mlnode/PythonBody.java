package bestfit.mlnode;

import bestfit.config.JsonReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON as Python's {@code json.loads} takes it from bytes: numbers that are none, byte order marks, UTF-16 and UTF-32. Pure. */
final class PythonBody {
    /** Digits of a whole number that Python converts; more is a {@code ValueError}. */
    static final int MOST_DIGITS = 4300;

    /** Nesting that is repeated in an answer; what is deeper is told as null. */
    private static final int TOLD_DEPTH = 100;

    private static final JsonReader READER = new JsonReader(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .maxNestingDepth(PythonJson.MOST_DEPTH + 1)
                    .build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build());

    private PythonBody() {}

    /** Parses a text in which {@link PythonJson} finds no fault. */
    static JsonNode parse(String text) {
        return READER.read(text);
    }

    /** Empty for bytes that are not text in the encoding they seem to have. */
    static Optional<String> text(byte[] body) {
        try {
            var text = encoding(body).newDecoder().decode(ByteBuffer.wrap(body));
            return Optional.of(withoutMark(text));
        } catch (CharacterCodingException broken) {
            return Optional.empty();
        }
    }

    private static String withoutMark(CharBuffer text) {
        boolean marked = text.length() > 0 && text.charAt(0) == '\ufeff';
        return text.toString().substring(marked ? 1 : 0);
    }

    /** By the byte order mark, else by where the zeros of the first ASCII characters are. */
    private static Charset encoding(byte[] body) {
        int first = at(body, 0);
        int second = at(body, 1);
        boolean whole = body.length >= 4;
        if (first == 0xff && second == 0xfe) {
            return whole && at(body, 2) == 0 && at(body, 3) == 0
                    ? StandardCharsets.UTF_32LE
                    : StandardCharsets.UTF_16LE;
        }
        if (first == 0xfe && second == 0xff) {
            return StandardCharsets.UTF_16BE;
        }
        if (whole && first == 0) {
            return second != 0 ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_32BE;
        }
        if (whole && second == 0) {
            return at(body, 2) != 0 || at(body, 3) != 0 ? StandardCharsets.UTF_16LE : StandardCharsets.UTF_32LE;
        }
        return StandardCharsets.UTF_8;
    }

    private static int at(byte[] body, int index) {
        return index < body.length ? body[index] & 0xff : -1;
    }

    /** True for a string with half a surrogate pair, which no UTF-8 can hold. */
    static boolean isHalved(String text) {
        return !StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    /** A value as JSON can tell it: without NaN, infinities and endless nesting. */
    static JsonNode told(JsonNode value) {
        return told(value, 0);
    }

    private static JsonNode told(JsonNode value, int depth) {
        boolean noNumber = value.isDouble() && !Double.isFinite(value.doubleValue());
        if (depth > TOLD_DEPTH || noNumber) {
            return NullNode.getInstance();
        }
        if (value instanceof ObjectNode object) {
            var copy = object.objectNode();
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                copy.set(field.getKey(), told(field.getValue(), depth + 1));
            }
            return copy;
        }
        if (value instanceof ArrayNode array) {
            List<JsonNode> copies =
                    array.valueStream().map(each -> told(each, depth + 1)).toList();
            return array.arrayNode().addAll(copies);
        }
        return value;
    }
}
