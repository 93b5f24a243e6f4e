package bestfit.grammar;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;

/** JSON's values, with any blanks between their parts but none around them. */
final class JsonForms {
    /** Characters that stand for themselves in a string. */
    static final Characters PLAIN = Characters.of(0x20, '!', '#', '[', ']', Characters.LAST);

    static final Form BLANKS =
            Form.any(Characters.of('\t', '\n', '\r', '\r', ' ', ' ').form());
    static final Form COMMA = Form.sequence(BLANKS, Form.text(","), BLANKS);
    static final Form COLON = Form.sequence(BLANKS, Form.text(":"), BLANKS);

    private static final Form DIGIT = Form.bytes('0', '9');
    private static final Form DIGITS = new Form.Repeat(DIGIT, 1, Form.NO_LIMIT);
    private static final Form QUOTE = Form.text("\"");
    private static final Form HEXADECIMAL =
            Characters.of('0', '9', 'A', 'F', 'a', 'f').form();

    private static final Form NATURAL =
            Form.choice(Form.text("0"), Form.sequence(Form.bytes('1', '9'), Form.any(DIGIT)));

    static final Form INTEGER = Form.choice(
            Form.text("0"), Form.sequence(Form.optional(Form.text("-")), Form.bytes('1', '9'), Form.any(DIGIT)));

    static final Form NUMBER = Form.sequence(
            Form.optional(Form.text("-")),
            NATURAL,
            Form.optional(Form.sequence(Form.text("."), DIGITS)),
            Form.optional(Form.sequence(
                    Characters.of('e', 'e', 'E', 'E').form(),
                    Form.optional(Characters.of('+', '+', '-', '-').form()),
                    DIGITS)));

    static final Form ESCAPE = Form.sequence(
            Form.text("\\"),
            Form.choice(
                    Characters.of('"', '"', '\\', '\\', '/', '/', 'b', 'b', 'f', 'f', 'n', 'n', 'r', 'r', 't', 't')
                            .form(),
                    Form.sequence(Form.text("u"), new Form.Repeat(HEXADECIMAL, 4, 4))));

    static final Form STRING_REST = Form.sequence(Form.any(Form.choice(PLAIN.form(), ESCAPE)), QUOTE);
    static final Form STRING = Form.sequence(QUOTE, STRING_REST);
    static final Form BOOLEAN = Form.choice(Form.text("true"), Form.text("false"));
    static final Form NULL = Form.text("null");

    static final Form ANY;
    static final Form OBJECT;
    static final Form ARRAY;

    static {
        var any = new Form.Rule();
        var member = Form.sequence(STRING, COLON, any);
        OBJECT = enclosed("{", list(member, 0, Form.NO_LIMIT), "}");
        ARRAY = enclosed("[", list(any, 0, Form.NO_LIMIT), "]");
        any.define(Form.choice(NUMBER, STRING, BOOLEAN, NULL, ARRAY, OBJECT));
        ANY = any;
    }

    private JsonForms() {}

    static Form enclosed(String open, Form inside, String close) {
        return Form.sequence(Form.text(open), BLANKS, inside, BLANKS, Form.text(close));
    }

    /** So many, with commas between them. */
    static Form list(Form item, int least, int most) {
        if (most == 0) {
            return Form.EMPTY;
        }
        var some = Form.sequence(
                item,
                new Form.Repeat(
                        Form.sequence(COMMA, item),
                        Math.max(0, least - 1),
                        most == Form.NO_LIMIT ? Form.NO_LIMIT : most - 1));
        return least == 0 ? Form.optional(some) : some;
    }

    static Form quoted(Form inside) {
        return Form.sequence(QUOTE, inside, QUOTE);
    }

    /** One character of a string, escaped where it has to be. */
    static Form character(int point) {
        var json = Json.write(Character.toString(point));
        return Form.text(json.substring(1, json.length() - 1));
    }

    /** A string that is none of some; those with escapes in them count as others. */
    static Form stringOtherThan(List<String> names) {
        return Form.sequence(QUOTE, restOtherThan(names));
    }

    private static Form restOtherThan(List<String> names) {
        if (names.isEmpty()) {
            return STRING_REST;
        }
        var options = new ArrayList<Form>();
        var starts = names.stream()
                .filter(name -> !name.isEmpty())
                .map(name -> name.codePointAt(0))
                .distinct()
                .toList();
        if (!names.contains("")) {
            options.add(QUOTE);
        }
        var others = PLAIN;
        for (int start : starts) {
            others = others.without(Characters.of(start, start));
            var rests = names.stream()
                    .filter(name -> !name.isEmpty() && name.codePointAt(0) == start)
                    .map(name -> name.substring(Character.charCount(start)))
                    .toList();
            options.add(Form.sequence(character(start), restOtherThan(rests)));
        }
        options.add(Form.sequence(Form.choice(others.form(), ESCAPE), STRING_REST));
        return new Form.Choice(List.copyOf(options));
    }
}
