package bestfit.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Reads a regular expression as vLLM's xgrammar does: it matches whole, anchors at its ends say nothing more, a dot is any
 * character, and classes by letter are those of ASCII.
 */
final class RegexReader {
    private static final Characters DIGITS = Characters.of('0', '9');
    private static final Characters WORD = Characters.of('0', '9', 'A', 'Z', '_', '_', 'a', 'z');
    private static final Characters BLANKS = Characters.of('\t', '\r', ' ', ' ', '\u00a0', '\u00a0');
    private static final String REPEATS = "*+?{";
    private static final int MOST_DIGITS = 6;
    /** Deeper ones would overflow a thread's stack. */
    private static final int MOST_NESTING = 500;
    /** Of counts inside counts, multiplied: so many places a text may be at, each with its own way on. */
    private static final long MOST_PLACES = 100_000;

    private final String regex;
    private final boolean inJson;
    private int at;
    private int depth;

    private RegexReader(String regex, boolean inJson) {
        this.regex = regex;
        this.inJson = inJson;
    }

    static Form read(String regex) throws GrammarException {
        return new RegexReader(regex, false).whole();
    }

    /** For the inside of a JSON string: what has to be escaped there is. */
    static Form readInJson(String regex) throws GrammarException {
        return new RegexReader(regex, true).whole();
    }

    private Form whole() throws GrammarException {
        var form = alternatives();
        if (at < regex.length()) {
            throw fault(at, at + 1, "unopened group");
        }
        return form;
    }

    private Form alternatives() throws GrammarException {
        var options = new ArrayList<Form>();
        options.add(sequence());
        while (peek('|')) {
            at++;
            options.add(sequence());
        }
        return options.size() == 1 ? options.getFirst() : new Form.Choice(List.copyOf(options));
    }

    private Form sequence() throws GrammarException {
        var parts = new ArrayList<Form>();
        while (at < regex.length() && !peek('|') && !peek(')')) {
            if (peek('^') || peek('$')) {
                at++; // where they say anything is where the match begins and ends anyway
            } else {
                parts.add(repeated(atom()));
            }
        }
        return new Form.Sequence(List.copyOf(parts));
    }

    private Form repeated(Form part) throws GrammarException {
        if (at == regex.length() || REPEATS.indexOf(regex.charAt(at)) < 0) {
            return part;
        }
        var form = switch (regex.charAt(at++)) {
            case '*' -> Form.any(part);
            case '+' -> new Form.Repeat(part, 1, Form.NO_LIMIT);
            case '?' -> Form.optional(part);
            default -> counted(part);
        };
        if (peek('?')) {
            at++; // which of two matches is taken does not matter to what matches
        }
        if (at < regex.length() && REPEATS.indexOf(regex.charAt(at)) >= 0) {
            throw fault(at, at + 1, "two repetition operators in a row are not supported");
        }
        return form;
    }

    /** Behind the brace of {@code {2}}, {@code {2,}} or {@code {2,5}}. */
    private Form counted(Form part) throws GrammarException {
        int from = at;
        int least = count();
        int most = least;
        if (peek(',')) {
            at++;
            most = peek('}') ? Form.NO_LIMIT : count();
        }
        if (!peek('}')) {
            throw fault(from - 1, at, "unclosed counted repetition");
        }
        at++;
        if (most < least) {
            throw fault(from - 1, at, "invalid repetition count range, the start must be <= the end");
        }
        var form = new Form.Repeat(part, least, most);
        if (places(form) > MOST_PLACES) {
            throw fault(from - 1, at, "compiled regex exceeds size limit");
        }
        return form;
    }

    private static long places(Form form) {
        return switch (form) {
            case Form.OneByte _, Form.Rule _ -> 1;
            case Form.Sequence(var parts) -> places(parts);
            case Form.Choice(var options) -> places(options);
            case Form.Repeat(var part, int least, int most) ->
                Math.max(1, most == Form.NO_LIMIT ? least : most) * places(part);
        };
    }

    private static long places(List<Form> forms) {
        long most = 1;
        for (var form : forms) {
            most = Math.max(most, places(form));
        }
        return most;
    }

    private int count() throws GrammarException {
        int from = at;
        while (at < regex.length() && Character.digit(regex.charAt(at), 10) >= 0 && at - from < MOST_DIGITS) {
            at++;
        }
        if (at == from) {
            throw fault(at, at + 1, "repetition quantifier expects a valid decimal");
        }
        return Integer.parseInt(regex.substring(from, at));
    }

    private Form atom() throws GrammarException {
        int point = next();
        return switch (point) {
            case '(' -> group();
            case '[' -> form(characterClass());
            case '.' -> form(Characters.all());
            case '\\' -> form(escaped());
            case '*', '+', '?' -> throw fault(at - 1, at, "repetition operator missing expression");
            default -> form(Characters.of(point, point));
        };
    }

    private Form group() throws GrammarException {
        int from = at - 1;
        if (peek('?')) {
            at++;
            skipKindOfGroup(from);
        }
        if (++depth > MOST_NESTING) {
            throw fault(from, at, "groups may nest at most " + MOST_NESTING + " levels");
        }
        var form = alternatives();
        depth--;
        if (!peek(')')) {
            throw fault(from, from + 1, "unclosed group");
        }
        at++;
        return form;
    }

    /** Behind {@code (?}: a colon, or a name, which nothing here asks for. */
    private void skipKindOfGroup(int from) throws GrammarException {
        for (var look : List.of("=", "!", "<=", "<!")) {
            if (regex.startsWith(look, at)) {
                throw fault(
                        from,
                        at + look.length(),
                        "look-around, including look-ahead and look-behind, is not supported");
            }
        }
        if (peek('<') || regex.startsWith("P<", at)) {
            at = regex.indexOf('>', at);
            if (at < 0) {
                throw fault(from, regex.length(), "unclosed group name");
            }
        } else if (!peek(':')) {
            throw fault(from, at, "flags of groups are not supported");
        }
        at++;
    }

    private Characters characterClass() throws GrammarException {
        int start = at - 1;
        boolean inverted = peek('^');
        at += inverted ? 1 : 0;
        var all = Characters.of();
        for (boolean first = true; first || !peek(']'); first = false) {
            if (at >= regex.length()) {
                throw fault(start, start + 1, "unclosed character class");
            }
            var from = classItem();
            boolean range = peek('-') && at + 1 < regex.length() && regex.charAt(at + 1) != ']';
            if (range && from.single() >= 0) {
                at++;
                int to = classItem().single();
                if (to < from.single()) {
                    throw fault(start, at, "invalid character class range, the start must be <= the end");
                }
                from = Characters.of(from.single(), to);
            }
            all = all.and(from);
        }
        at++;
        return inverted ? all.inverted() : all;
    }

    private Characters classItem() throws GrammarException {
        int point = next();
        return point == '\\' ? escaped() : Characters.of(point, point);
    }

    /** Behind a backslash. */
    private Characters escaped() throws GrammarException {
        if (at >= regex.length()) {
            throw fault(at - 1, at, "incomplete escape sequence, reached end of pattern prematurely");
        }
        int point = next();
        return switch (point) {
            case 'd' -> DIGITS;
            case 'D' -> DIGITS.inverted();
            case 'w' -> WORD;
            case 'W' -> WORD.inverted();
            case 's' -> BLANKS;
            case 'S' -> BLANKS.inverted();
            case 'n' -> one('\n');
            case 't' -> one('\t');
            case 'r' -> one('\r');
            case 'f' -> one('\f');
            case 'v' -> one('\u000b');
            case '0' -> one(0);
            case 'x' -> one(hexadecimal(2));
            case 'u' -> one(hexadecimal(4));
            case 'b', 'B' -> throw fault(at - 2, at, "word boundaries are not supported");
            case 'p', 'P' -> throw fault(at - 2, at, "Unicode classes are not supported");
            case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'k' ->
                throw fault(at - 2, at, "backreferences are not supported");
            default -> {
                if (Character.isLetter(point)) {
                    throw fault(at - 2, at, "unrecognized escape sequence");
                }
                yield one(point);
            }
        };
    }

    private static Characters one(int point) {
        return Characters.of(point, point);
    }

    /** So many digits, or any number of them in braces. */
    private int hexadecimal(int digits) throws GrammarException {
        int from = at;
        int to = at + digits;
        if (peek('{')) {
            from = at + 1;
            to = regex.indexOf('}', at);
        }
        var text = to < 0 || to > regex.length() ? "" : regex.substring(from, to);
        if (!text.toLowerCase(Locale.ROOT).matches("[0-9a-f]{1,6}") || Integer.parseInt(text, 16) > Characters.LAST) {
            throw fault(from, Math.min(at + digits, regex.length()), "invalid hexadecimal digit");
        }
        at = from == at ? to : to + 1;
        return Integer.parseInt(text, 16);
    }

    /** A single character that JSON escapes is written so; of several such ones do not come. */
    private Form form(Characters characters) {
        if (!inJson) {
            return characters.form();
        }
        int only = characters.single();
        if (only >= 0) {
            return JsonForms.character(only);
        }
        return characters.without(JsonForms.PLAIN.inverted()).form();
    }

    private boolean peek(char wanted) {
        return at < regex.length() && regex.charAt(at) == wanted;
    }

    private int next() {
        int point = regex.codePointAt(at);
        at += Character.charCount(point);
        return point;
    }

    /** As the regular expressions of Rust say it, which vLLM hands on. */
    private GrammarException fault(int from, int to, String what) {
        return new GrammarException("regex parse error:\n    " + regex + "\n    " + " ".repeat(from)
                + "^".repeat(Math.max(1, to - from)) + "\nerror: " + what);
    }
}
