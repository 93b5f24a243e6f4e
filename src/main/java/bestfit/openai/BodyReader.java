package bestfit.openai;

import bestfit.config.JsonReader;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;

/**
 * Reads a JSON body as vLLM does: Python's {@code json}, then rules of the whole body, then the shape of its fields. What
 * does not fit is an {@link ApiException} in their words.
 */
public final class BodyReader {
    private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MOST = BigInteger.valueOf(Long.MAX_VALUE);

    /** Takes what Python takes: numbers that are none, and texts and numbers of any length. */
    private static final JsonReader READER = new JsonReader(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNumberLength(10_000)
                    .build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build());

    private final JsonNode body;

    private BodyReader(JsonNode body) {
        this.body = body;
    }

    /** The body of a request to {@code /detokenize}. */
    public static BodyReader detokenize(byte[] body) {
        return of(body, RequestShape.DETOKENIZE, _ -> {});
    }

    /** The body of a request to {@code /tokenize}. */
    public static BodyReader tokenize(byte[] body) {
        return of(body, RequestShape.TOKENIZE, _ -> {});
    }

    /**
     * Reads a body.
     *
     * @param rules what vLLM looks at before the shape; given objects only
     * @throws ApiException 400
     */
    static BodyReader of(byte[] bytes, FieldType shape, Consumer<BodyReader> rules) {
        return of(parse(bytes), shape, rules);
    }

    /** {@link #of(byte[], FieldType, Consumer)} of what is JSON already. */
    static BodyReader of(JsonNode json, FieldType shape, Consumer<BodyReader> rules) {
        if (json.isObject()) {
            rules.accept(new BodyReader(json));
        }
        var faults = new ShapeFaults();
        if (json.isNull()) {
            faults.add("missing", "body", "Field required", json);
        } else {
            shape.check(json, "body", faults);
        }
        faults.throwIfAny();
        return new BodyReader(json);
    }

    private static JsonNode parse(byte[] bytes) {
        if (bytes.length == 0) {
            return NullNode.getInstance();
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new ApiException(ApiError.unreadable());
        }
        text = text.startsWith("\uFEFF") ? text.substring(1) : text;
        try {
            return READER.read(text);
        } catch (JacksonException e) {
            var fault = JsonFault.find(text);
            throw new ApiException(
                    fault == null ? ApiError.unreadable() : ApiError.badJson(fault.message(), fault.position()));
        }
    }

    static BodyReader of(JsonNode object) {
        return new BodyReader(object);
    }

    /** All of it. */
    public JsonNode whole() {
        return body;
    }

    /** The field; null when absent or JSON null. */
    public @Nullable JsonNode get(String name) {
        var node = body.get(name);
        return node == null || node.isNull() ? null : node;
    }

    /** The items of a list; none where there is no list. */
    Iterable<JsonNode> items(String name) {
        var node = get(name);
        return node == null ? List.of() : node;
    }

    boolean has(String name) {
        return body.has(name);
    }

    /** True where Python finds the field true: not absent, null, false, zero or empty. */
    boolean truthy(String name) {
        var node = get(name);
        return node != null && isTrue(node);
    }

    /** True of a value that Python finds true. */
    static boolean isTrue(JsonNode node) {
        return switch (node.getNodeType()) {
            case BOOLEAN -> node.booleanValue();
            case NUMBER -> node.doubleValue(Double.NaN) != 0;
            case STRING -> !node.stringValue().isEmpty();
            case NULL -> false;
            default -> !node.isEmpty();
        };
    }

    public @Nullable String text(String name) {
        var node = get(name);
        return node == null ? null : node.stringValue();
    }

    /** A whole number; what is beyond 64 bits counts as the greatest there are. */
    public @Nullable Long wholeOrNull(String name) {
        var node = get(name);
        return node == null ? null : clamped(node);
    }

    private static long clamped(JsonNode node) {
        return FieldType.whole(node)
                .orElse(BigInteger.ZERO)
                .max(LEAST)
                .min(MOST)
                .longValue();
    }

    public int whole(String name, int absent) {
        var value = wholeOrNull(name);
        return value == null ? absent : Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    public double number(String name, double absent) {
        var node = get(name);
        return node == null ? absent : FieldType.number(node).orElse(absent);
    }

    public boolean flag(String name, boolean absent) {
        var node = get(name);
        return node == null ? absent : FieldType.flag(node).orElse(absent);
    }

    /** A string, or a list of strings. */
    public List<String> texts(String name) {
        var node = get(name);
        if (node == null) {
            return List.of();
        }
        if (node.isString()) {
            return List.of(node.stringValue());
        }
        var all = new ArrayList<String>();
        node.forEach(item -> all.add(item.stringValue()));
        return all;
    }

    /** A list of whole numbers; each that is beyond 32 bits counts as the greatest or least there is. */
    public List<Integer> wholes(String name) {
        var node = get(name);
        return node == null ? List.of() : wholes(node);
    }

    static List<Integer> wholes(JsonNode node) {
        var all = new ArrayList<Integer>(node.size());
        node.forEach(item -> all.add(Math.clamp(clamped(item), Integer.MIN_VALUE, Integer.MAX_VALUE)));
        return all;
    }
}
