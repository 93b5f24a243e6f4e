package bestfit.grammar;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A JSON schema's arrays: items by place, then more of one kind. */
final class ArraySchema {
    private final List<Form> places = new ArrayList<>();
    private final @Nullable Form more;
    private final int least;
    private final int most;

    ArraySchema(JsonNode schema, SchemaReader reader) throws GrammarException {
        for (var place : schema.path("prefixItems")) {
            places.add(reader.form(place));
        }
        var items = schema.path("items");
        boolean closed = items.isBoolean() && !items.booleanValue();
        boolean open = !items.isMissingNode() || places.isEmpty();
        more = closed || !open ? null : items.isMissingNode() ? JsonForms.ANY : reader.form(items);
        least = SchemaReader.count(schema, "minItems", 0);
        most = Math.min(
                SchemaReader.count(schema, "maxItems", Form.NO_LIMIT), more == null ? places.size() : Form.NO_LIMIT);
        if (least > most) {
            throw new GrammarException(
                    "minItems is greater than the number of items that can come: " + least + " > " + most);
        }
    }

    Form form() {
        return JsonForms.enclosed("[", from(0), "]");
    }

    /** What can come from a place on. */
    private Form from(int place) {
        if (place == most) {
            return Form.EMPTY;
        }
        if (place >= places.size()) {
            return more == null ? Form.EMPTY : rest(place, more);
        }
        var item = Form.sequence(place == 0 ? Form.EMPTY : JsonForms.COMMA, places.get(place), from(place + 1));
        return place >= least ? Form.optional(item) : item;
    }

    private Form rest(int place, Form item) {
        int needed = Math.max(0, least - place);
        int allowed = most == Form.NO_LIMIT ? Form.NO_LIMIT : most - place;
        return place == 0
                ? JsonForms.list(item, needed, allowed)
                : new Form.Repeat(Form.sequence(JsonForms.COMMA, item), needed, allowed);
    }
}
