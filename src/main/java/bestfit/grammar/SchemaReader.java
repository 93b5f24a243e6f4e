package bestfit.grammar;

import bestfit.config.Json;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads a JSON schema as vLLM's xgrammar does by default: properties come in the schema's order, and what the schema does not name
 * does not come, unless it says {@code additionalProperties}.
 */
final class SchemaReader {
    private static final Set<String> TYPES =
            Set.of("string", "integer", "number", "boolean", "null", "array", "object");

    /** Words that say what a value is, and would be ignored. */
    private static final List<String> UNSUPPORTED = List.of(
            "not",
            "if",
            "then",
            "else",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
            "contains",
            "minContains",
            "maxContains",
            "multipleOf",
            "unevaluatedItems",
            "$dynamicRef",
            "$recursiveRef");

    private static final double GREATEST_BOUND = 1e30;

    private final JsonNode root;
    private final Map<String, Form.Rule> references = new HashMap<>();

    private SchemaReader(JsonNode root) {
        this.root = root;
    }

    static Form read(JsonNode schema) throws GrammarException {
        return new SchemaReader(schema).form(schema);
    }

    Form form(JsonNode schema) throws GrammarException {
        if (schema.isBoolean() && schema.booleanValue()) {
            return JsonForms.ANY;
        }
        if (!schema.isObject()) {
            throw new GrammarException("schema should be an object or boolean, got " + schema);
        }
        refuseUnsupported(schema);
        if (schema.has("$ref")) {
            return reference(schema.path("$ref").asString(""));
        }
        if (schema.has("const")) {
            return Form.text(Json.write(schema.get("const")));
        }
        if (schema.has("enum")) {
            return new Form.Choice(items(schema, "enum").stream()
                    .map(value -> Form.text(Json.write(value)))
                    .toList());
        }
        for (var word : List.of("anyOf", "oneOf", "allOf")) {
            if (schema.has(word)) {
                return combined(schema, word);
            }
        }
        var options = new ArrayList<Form>();
        for (var type : types(schema)) {
            options.add(typed(schema, type));
        }
        return options.isEmpty() ? JsonForms.ANY : new Form.Choice(List.copyOf(options));
    }

    private static void refuseUnsupported(JsonNode schema) throws GrammarException {
        for (var word : UNSUPPORTED) {
            if (schema.has(word)) {
                throw new GrammarException("Unimplemented keys: [\"" + word + "\"]");
            }
        }
        if (schema.path("uniqueItems").asBoolean(false)) {
            throw new GrammarException("Unimplemented keys: [\"uniqueItems\"]");
        }
    }

    private Form combined(JsonNode schema, String word) throws GrammarException {
        var all = items(schema, word);
        if (word.equals("allOf") && all.size() != 1) {
            throw new GrammarException("allOf of " + all.size() + " schemas is not supported: only of one");
        }
        var options = new ArrayList<Form>();
        for (var each : all) {
            options.add(form(each));
        }
        return new Form.Choice(List.copyOf(options));
    }

    private static List<JsonNode> items(JsonNode schema, String word) throws GrammarException {
        var node = schema.path(word);
        if (!node.isArray()) {
            throw new GrammarException(word + " should be an array, got " + node);
        }
        if (node.isEmpty()) {
            throw new GrammarException("Unsatisfiable schema: " + (word.equals("enum") ? "anyOf" : word) + " is empty");
        }
        return List.copyOf(node.valueStream().toList());
    }

    private Form reference(String target) throws GrammarException {
        var known = references.get(target);
        if (known != null) {
            return known;
        }
        if (!target.equals("#") && !target.startsWith("#/")) {
            throw new GrammarException(
                    "$ref " + target + " is not supported: only those into the schema, such as #/$defs/A");
        }
        var found = root;
        for (var name : target.substring(1).split("/", -1)) {
            found = name.isEmpty() ? found : step(found, name.replace("~1", "/").replace("~0", "~"));
        }
        if (found.isMissingNode()) {
            throw new GrammarException("Pointer '" + target.substring(1) + "' does not exist");
        }
        var rule = new Form.Rule();
        references.put(target, rule);
        rule.define(form(found));
        return rule;
    }

    private static JsonNode step(JsonNode from, String name) {
        return from.isArray() && name.matches("\\d{1,9}") ? from.path(Integer.parseInt(name)) : from.path(name);
    }

    /** Those named, or the one that its other words are about; none for any. */
    private static List<String> types(JsonNode schema) throws GrammarException {
        var type = schema.path("type");
        var names = new ArrayList<String>();
        if (type.isArray()) {
            type.forEach(each -> names.add(each.asString("")));
        } else if (type.isString()) {
            names.add(type.stringValue());
        } else if (!type.isMissingNode()) {
            throw new GrammarException("type should be a string or an array of them, got " + type);
        } else if (has(
                schema, "properties", "required", "additionalProperties", "patternProperties", "propertyNames")) {
            names.add("object");
        } else if (has(schema, "items", "prefixItems", "minItems", "maxItems")) {
            names.add("array");
        } else if (has(schema, "pattern", "minLength", "maxLength", "format")) {
            names.add("string");
        } else if (has(schema, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")) {
            names.add("number");
        }
        for (var name : names) {
            if (!TYPES.contains(name)) {
                throw new GrammarException("Invalid type: " + name);
            }
        }
        return names;
    }

    private static boolean has(JsonNode schema, String... words) {
        for (var word : words) {
            if (schema.has(word)) {
                return true;
            }
        }
        return false;
    }

    private Form typed(JsonNode schema, String type) throws GrammarException {
        return switch (type) {
            case "string" -> StringSchema.form(schema);
            case "integer" -> number(schema, true);
            case "number" -> number(schema, false);
            case "boolean" -> JsonForms.BOOLEAN;
            case "null" -> JsonForms.NULL;
            case "array" -> new ArraySchema(schema, this).form();
            default -> new ObjectSchema(schema, this).form();
        };
    }

    private static Form number(JsonNode schema, boolean whole) throws GrammarException {
        var least = greater(bound(schema, "minimum"), open(schema, "exclusiveMinimum", whole, 1));
        var negated = greater(negated(bound(schema, "maximum")), negated(open(schema, "exclusiveMaximum", whole, -1)));
        var most = negated(negated);
        if (least == null && most == null) {
            return whole ? JsonForms.INTEGER : JsonForms.NUMBER;
        }
        if (least != null && most != null && least.compareTo(most) > 0) {
            throw new GrammarException("Unsatisfiable schema: minimum (" + least.toPlainString()
                    + ") is greater than maximum (" + most.toPlainString() + ")");
        }
        var range = new NumberRange(least, most);
        return whole ? range.integers() : range.numbers();
    }

    private static @Nullable BigDecimal bound(JsonNode schema, String word) throws GrammarException {
        var node = schema.path(word);
        if (node.isMissingNode()) {
            return null;
        }
        if (!node.isNumber() || !(Math.abs(node.doubleValue(Double.NaN)) <= GREATEST_BOUND)) {
            throw new GrammarException(word + " should be a number from -1e30 to 1e30, got " + node);
        }
        return node.decimalValue();
    }

    /** The bound itself is left out: the nearest number that can be written takes its place. */
    private static @Nullable BigDecimal open(JsonNode schema, String word, boolean whole, int direction)
            throws GrammarException {
        var bound = bound(schema, word);
        if (bound == null) {
            return null;
        }
        var step = whole ? BigDecimal.ONE : new BigDecimal("0.000001");
        boolean written = !whole || bound.stripTrailingZeros().scale() <= 0;
        return written ? bound.add(step.multiply(BigDecimal.valueOf(direction))) : bound;
    }

    private static @Nullable BigDecimal greater(@Nullable BigDecimal a, @Nullable BigDecimal b) {
        return a == null ? b : b == null ? a : a.max(b);
    }

    private static @Nullable BigDecimal negated(@Nullable BigDecimal number) {
        return number == null ? null : number.negate();
    }

    /** A whole number of a schema; {@code absent} where it has none. */
    static int count(JsonNode schema, String word, int absent) throws GrammarException {
        var node = schema.path(word);
        if (node.isMissingNode()) {
            return absent;
        }
        double count = node.isNumber() ? node.doubleValue(-1) : -1;
        if (!(count >= 0 && count <= Integer.MAX_VALUE && count == Math.rint(count))) {
            throw new GrammarException(word + " should be a whole number from 0 to 2147483647, got " + node);
        }
        return (int) count;
    }
}
