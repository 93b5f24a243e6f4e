package bestfit.grammar;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A JSON schema's objects: the named properties in the schema's order, each if it is required or not, then others. */
final class ObjectSchema {
    private static final Form NOTHING = Form.choice();

    private final List<Form> members = new ArrayList<>();
    private final List<Boolean> required = new ArrayList<>();
    /** Name and value of a property that has no name in the schema; null where none can come. */
    private final @Nullable Form other;

    private final int least;
    private final int most;
    private final Map<Long, Form> known = new HashMap<>();

    ObjectSchema(JsonNode schema, SchemaReader reader) throws GrammarException {
        var properties = schema.path("properties");
        Set<String> needed = new HashSet<>();
        schema.path("required").forEach(name -> needed.add(name.asString("")));
        var names = new ArrayList<String>();
        for (var property : properties.properties()) {
            names.add(property.getKey());
            required.add(needed.contains(property.getKey()));
            members.add(Form.sequence(
                    Form.text(Json.write(property.getKey())), JsonForms.COLON, reader.form(property.getValue())));
        }
        other = other(schema, names, reader);
        least = SchemaReader.count(schema, "minProperties", 0);
        most = SchemaReader.count(schema, "maxProperties", Form.NO_LIMIT);
        if (least > most) {
            throw new GrammarException("minProperties " + least + " is greater than maxProperties " + most);
        }
        if (other == null && least > members.size()) {
            throw new GrammarException(
                    "minProperties is greater than the number of properties, but additional properties aren't allowed: "
                            + least + " > " + members.size());
        }
    }

    private static @Nullable Form other(JsonNode schema, List<String> names, SchemaReader reader)
            throws GrammarException {
        var patterns = schema.path("patternProperties");
        var additional = schema.path("additionalProperties");
        var naming = schema.path("propertyNames");
        if (!patterns.isEmpty() || !naming.isMissingNode()) {
            if (patterns.size() > 1 || !names.isEmpty() || (!patterns.isEmpty() && !naming.isMissingNode())) {
                throw new GrammarException(
                        "patternProperties and propertyNames are supported alone only, with one pattern and without properties");
            }
            for (var each : patterns.properties()) {
                return member(JsonForms.quoted(RegexReader.readInJson(each.getKey())), reader.form(each.getValue()));
            }
            return member(reader.form(named(naming)), additional.isObject() ? reader.form(additional) : JsonForms.ANY);
        }
        boolean told = additional.isObject() || additional.isBoolean();
        boolean allowed = told
                ? additional.isObject() || additional.booleanValue()
                : names.isEmpty() && !schema.has("properties");
        if (!allowed) {
            return null;
        }
        var value = additional.isObject() ? reader.form(additional) : JsonForms.ANY;
        return member(names.isEmpty() ? JsonForms.STRING : JsonForms.stringOtherThan(names), value);
    }

    /** Names are strings, whether their schema says so or not. */
    private static JsonNode named(JsonNode naming) {
        return naming.isObject() && !naming.has("type") && !naming.has("enum") && !naming.has("const")
                ? ((ObjectNode) naming.deepCopy()).put("type", "string")
                : naming;
    }

    private static Form member(Form name, Form value) {
        return Form.sequence(name, JsonForms.COLON, value);
    }

    Form form() {
        return JsonForms.enclosed("{", from(0, 0), "}");
    }

    /** What can come from a property on, after so many were written. */
    private Form from(int property, int written) {
        long key = ((long) property << 32) | written;
        var found = known.get(key);
        if (found == null) {
            found = property == members.size() ? others(written) : either(property, written);
            known.put(key, found);
        }
        return found;
    }

    private Form either(int property, int written) {
        var options = new ArrayList<Form>();
        if (written < most) {
            options.add(
                    Form.sequence(separator(written), members.get(property), from(property + 1, counted(written + 1))));
        }
        if (!required.get(property)) {
            options.add(from(property + 1, written));
        }
        return new Form.Choice(List.copyOf(options));
    }

    /** Without limits only the first matters, which has no comma before it. */
    private int counted(int written) {
        return most == Form.NO_LIMIT ? Math.min(written, Math.max(1, least)) : written;
    }

    private static Form separator(int written) {
        return written == 0 ? Form.EMPTY : JsonForms.COMMA;
    }

    private Form others(int written) {
        int needed = Math.max(0, least - written);
        int allowed = most == Form.NO_LIMIT ? Form.NO_LIMIT : most - written;
        if (other == null) {
            return needed == 0 ? Form.EMPTY : NOTHING;
        }
        return written == 0
                ? JsonForms.list(other, needed, allowed)
                : new Form.Repeat(Form.sequence(JsonForms.COMMA, other), needed, allowed);
    }
}
