package bestfit.openai;

import bestfit.config.Json;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads typed fields of a JSON body; what does not fit is an {@link ApiException} in pydantic's words. */
public final class BodyReader {
    private final JsonNode body;

    private BodyReader(JsonNode body) {
        this.body = body;
    }

    /** @throws ApiException 400 if it is no JSON object */
    public static BodyReader of(byte[] body) {
        JsonNode json;
        try {
            json = Json.parse(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString());
        } catch (CharacterCodingException e) {
            throw new ApiException(new ApiError(400, "Bad Request", "There was an error parsing the body", null));
        } catch (JacksonException e) {
            long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getCharOffset());
            throw new ApiException(ApiError.badShape("json_invalid", "body." + at, "JSON decode error"));
        }
        if (json == null || !json.isObject()) {
            throw new ApiException(
                    ApiError.badShape("model_attributes_type", "body", "Input should be a valid dictionary or object"));
        }
        return new BodyReader(json);
    }

    static BodyReader of(JsonNode object) {
        return new BodyReader(object);
    }

    /** The field; null when absent or JSON null. */
    public @Nullable JsonNode get(String name) {
        var node = body.get(name);
        return node == null || node.isNull() ? null : node;
    }

    private static ApiException wrong(String kind, String name, String expected) {
        return new ApiException(ApiError.badShape(kind, "body." + name, "Input should be a valid " + expected));
    }

    public @Nullable String text(String name) {
        var node = get(name);
        if (node == null) {
            return null;
        }
        if (!node.isString()) {
            throw wrong("string_type", name, "string");
        }
        return node.stringValue();
    }

    public @Nullable Long wholeOrNull(String name) {
        var node = get(name);
        if (node == null) {
            return null;
        }
        if (!node.isNumber() || node.doubleValue() != Math.rint(node.doubleValue()) || !node.canConvertToLong()) {
            throw wrong("int_type", name, "integer");
        }
        return node.longValue();
    }

    public int whole(String name, int absent) {
        var value = wholeOrNull(name);
        return value == null ? absent : Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    public double number(String name, double absent) {
        var node = get(name);
        if (node == null) {
            return absent;
        }
        if (!node.isNumber()) {
            throw wrong("float_type", name, "number");
        }
        return node.doubleValue();
    }

    public boolean flag(String name, boolean absent) {
        var node = get(name);
        if (node == null) {
            return absent;
        }
        if (!node.isBoolean()) {
            throw wrong("bool_type", name, "boolean");
        }
        return node.booleanValue();
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
        if (node.isArray()) {
            for (var item : node) {
                if (item.isString()) {
                    all.add(item.stringValue());
                }
            }
        }
        if (!node.isArray() || all.size() < node.size()) {
            throw wrong("string_type", name, "string");
        }
        return all;
    }

    /** A list of whole numbers. */
    public List<Integer> wholes(String name) {
        var node = get(name);
        return node == null ? List.of() : wholes(name, node);
    }

    static List<Integer> wholes(String name, JsonNode node) {
        var all = new ArrayList<Integer>();
        if (node.isArray()) {
            for (var item : node) {
                if (item.isInt()) {
                    all.add(item.intValue());
                }
            }
        }
        if (!node.isArray() || all.size() < node.size()) {
            throw wrong("list_type", name, "list of integers");
        }
        return all;
    }
}
