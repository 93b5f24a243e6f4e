package bestfit.mlnode;

import java.util.Optional;

/**
 * Finds the first error of a JSON text as Python's {@code json} module does, with its words and its offset, which clients of
 * FastAPI see in a 422. Pure.
 */
final class PythonJson {
    /** Nesting that is taken; a deeper text meets Python's recursion limit. */
    static final int MOST_DEPTH = 900;

    /**
     * What is wrong.
     *
     * @param position in characters from the start of the text
     * @param syntax false where the text is JSON but more than Python takes
     */
    record Problem(String message, int position, boolean syntax) {}

    /** Thrown and caught in here only. */
    private static final class Found extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient Problem error;

        Found(String message, int position) {
            this(new Problem(message, position, true));
        }

        Found(Problem error) {
            super(error.message(), null, false, false);
            this.error = error;
        }
    }

    private final String text;
    private int at;

    private PythonJson(String text) {
        this.text = text;
    }

    /** Empty when Python reads the text without complaint. */
    static Optional<Problem> error(String text) {
        var reader = new PythonJson(text);
        try {
            reader.skipBlanks();
            reader.value(0);
            reader.skipBlanks();
            return reader.at == text.length()
                    ? Optional.empty()
                    : Optional.of(new Problem("Extra data", reader.at, true));
        } catch (Found found) {
            return Optional.of(found.error);
        }
    }

    private void value(int depth) throws Found {
        if (depth > MOST_DEPTH) {
            throw new Found(new Problem("maximum recursion depth exceeded", at, false));
        }
        switch (peek()) {
            case '"' -> string();
            case '{' -> object(depth);
            case '[' -> array(depth);
            default -> {
                if (!word("null") && !word("true") && !word("false") && !number()) {
                    throw new Found("Expecting value", at);
                }
            }
        }
    }

    private void object(int depth) throws Found {
        at++;
        skipBlanks();
        if (peek() == '}') {
            at++;
            return;
        }
        while (true) {
            if (peek() != '"') {
                throw new Found("Expecting property name enclosed in double quotes", at);
            }
            string();
            skipBlanks();
            if (peek() != ':') {
                throw new Found("Expecting ':' delimiter", at);
            }
            at++;
            skipBlanks();
            value(depth + 1);
            if (ends('}')) {
                return;
            }
        }
    }

    private void array(int depth) throws Found {
        at++;
        skipBlanks();
        if (peek() == ']') {
            at++;
            return;
        }
        do {
            value(depth + 1);
        } while (!ends(']'));
    }

    /** After an element: true at the end of its container, false past a comma. */
    private boolean ends(char end) throws Found {
        skipBlanks();
        if (peek() == end) {
            at++;
            return true;
        }
        if (peek() != ',') {
            throw new Found("Expecting ',' delimiter", at);
        }
        at++;
        skipBlanks();
        return false;
    }

    private void string() throws Found {
        int begin = at++;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"') {
                at++;
                return;
            }
            if (c < ' ') {
                throw new Found("Invalid control character at", at);
            }
            at += c == '\\' ? escape(begin) : 1;
        }
        throw new Found("Unterminated string starting at", begin);
    }

    /** Length of the escape at {@link #at}. */
    private int escape(int begin) throws Found {
        if (at + 1 >= text.length()) {
            throw new Found("Unterminated string starting at", begin);
        }
        char kind = text.charAt(at + 1);
        if (kind != 'u') {
            if ("\"\\/bfnrt".indexOf(kind) < 0) {
                throw new Found("Invalid \\escape", at);
            }
            return 2;
        }
        boolean hex = at + 6 <= text.length()
                && text.substring(at + 2, at + 6).chars().allMatch(c -> Character.digit(c, 16) >= 0);
        if (!hex) {
            throw new Found("Invalid \\uXXXX escape", at + 1);
        }
        return 6;
    }

    private boolean word(String word) {
        if (text.startsWith(word, at)) {
            at += word.length();
            return true;
        }
        return false;
    }

    /** Python takes NaN and the infinities; of {@code 01} it takes the 0. */
    private boolean number() throws Found {
        if (word("NaN") || word("Infinity") || word("-Infinity")) {
            return true;
        }
        int from = peek() == '-' ? at + 1 : at;
        int end = from < text.length() && text.charAt(from) == '0' ? from + 1 : digits(from);
        if (end == from) {
            return false;
        }
        if (end < text.length() && text.charAt(end) == '.' && digits(end + 1) > end + 1) {
            end = digits(end + 1);
        }
        if (end < text.length() && Character.toLowerCase(text.charAt(end)) == 'e') {
            int sign = end + 1 < text.length() && "+-".indexOf(text.charAt(end + 1)) >= 0 ? 1 : 0;
            int exponent = digits(end + 1 + sign);
            end = exponent > end + 1 + sign ? exponent : end;
        }
        boolean whole = text.substring(from, end).chars().allMatch(Character::isDigit);
        if (whole && end - from > PythonBody.MOST_DIGITS) {
            throw new Found(new Problem("Exceeds the limit for integer string conversion", at, false));
        }
        at = end;
        return true;
    }

    private int digits(int from) {
        int end = from;
        while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        return end;
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private void skipBlanks() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }
}
