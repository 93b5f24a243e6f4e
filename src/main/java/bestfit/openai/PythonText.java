package bestfit.openai;

import bestfit.config.Json;
import java.math.BigDecimal;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** Values as Python prints them, since vLLM's messages hold them so. */
public final class PythonText {
    private static final int LONGEST = 200;
    /** Python writes numbers from here on, and below 1e-4, with an exponent. */
    private static final double EXPONENT_FROM = 1e16;

    private PythonText() {}

    /** {@code repr} of a string: single quotes, unless it holds some and no double ones. */
    public static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        var out = new StringBuilder().append(quote);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(c);
                    } else if (c < 0x20 || c == 0x7f) {
                        out.append(String.format("\\x%02x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.append(quote).toString();
    }

    /** {@code str} of a JSON value as Python reads it; lists and objects by their size, long texts cut, as vLLM does. */
    static String summary(JsonNode value) {
        if (value.isArray()) {
            return "<list of " + value.size() + " items>";
        }
        if (value.isObject()) {
            return "<dict of " + value.size() + " items>";
        }
        var text = value(value);
        return text.length() > LONGEST ? text.substring(0, LONGEST) + "...[truncated]" : text;
    }

    /** The name of a value's type. */
    public static String type(JsonNode value) {
        return switch (value.getNodeType()) {
            case STRING -> "str";
            case BOOLEAN -> "bool";
            case NUMBER -> value.isIntegralNumber() ? "int" : "float";
            case ARRAY -> "list";
            case OBJECT -> "dict";
            default -> "NoneType";
        };
    }

    /** {@code repr} of any JSON value. */
    public static String repr(JsonNode value) {
        if (value.isArray()) {
            return value.valueStream().map(PythonText::repr).toList().toString();
        }
        if (value.isObject()) {
            return value.properties().stream()
                    .map(field -> quoted(field.getKey()) + ": " + repr(field.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        return value.isString() ? quoted(value.stringValue()) : value(value);
    }

    /** {@code json.dumps} of a value: blanks behind colons and commas, ASCII alone. */
    static String json(JsonNode value) {
        if (value.isArray()) {
            return value.valueStream().map(PythonText::json).collect(Collectors.joining(", ", "[", "]"));
        }
        if (value.isObject()) {
            return value.properties().stream()
                    .map(field -> ascii(Json.write(field.getKey())) + ": " + json(field.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        return ascii(Json.write(value));
    }

    private static String ascii(String text) {
        var out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x7f) {
                out.append(c);
            } else {
                out.append(String.format("\\u%04x", (int) c));
            }
        }
        return out.toString();
    }

    /** {@code str} of a value that is no list and no object. */
    public static String value(JsonNode value) {
        if (value.isString()) {
            return value.stringValue();
        }
        if (value.isBoolean()) {
            return value.booleanValue() ? "True" : "False";
        }
        if (value.isNumber()) {
            return value.isIntegralNumber() ? value.bigIntegerValue().toString() : number(value.doubleValue());
        }
        return "None";
    }

    /** {@code repr} of a float. */
    public static String number(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(value);
        if (size == 0 || (size >= 1e-4 && size < EXPONENT_FROM)) {
            var shortest = Double.toString(value);
            if (shortest.indexOf('E') < 0) {
                return shortest;
            }
            var plain = new BigDecimal(shortest).toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        var parts = Double.toString(value).split("E", 2);
        int exponent = Integer.parseInt(parts[1]);
        var digits = parts[0].endsWith(".0") ? parts[0].substring(0, parts[0].length() - 2) : parts[0];
        return digits + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }
}
