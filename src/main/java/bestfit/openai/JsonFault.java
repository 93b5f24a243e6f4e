package bestfit.openai;

import org.jspecify.annotations.Nullable;

/**
 * Where Python's {@code json} module stops in a text that is no JSON, and in which words.
 *
 * @param position in characters from 0
 */
record JsonFault(String message, int position) {
    /** Null when the text is JSON, {@code NaN} and {@code Infinity} included. */
    static @Nullable JsonFault find(String text) {
        try {
            var scan = new Scan(text);
            scan.blanks();
            scan.value();
            scan.blanks();
            return scan.at == text.length() ? null : new JsonFault("Extra data", scan.at);
        } catch (Stop stop) {
            return stop.fault;
        }
    }

    private static final class Stop extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final transient JsonFault fault;

        Stop(String message, int position) {
            super(message, null, false, false);
            this.fault = new JsonFault(message, position);
        }
    }

    private static final class Scan {
        private static final String[] WORDS = {"null", "true", "false", "NaN", "Infinity", "-Infinity"};
        private static final String ESCAPES = "\"\\/bfnrt";

        private final String text;
        private int at;
        private int depth;

        Scan(String text) {
            this.text = text;
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : 0;
        }

        void blanks() {
            while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        void value() {
            switch (peek()) {
                case '"' -> string();
                case '{' -> nested(this::members);
                case '[' -> nested(this::items);
                default -> scalar();
            }
        }

        /** Python gives up as deep as this too, in other words. */
        private void nested(Runnable content) {
            if (++depth > 900) {
                throw new Stop("maximum recursion depth exceeded while decoding a JSON object", at);
            }
            at++;
            blanks();
            content.run();
            at++;
            depth--;
        }

        private void members() {
            if (peek() == '}') {
                return;
            }
            while (true) {
                if (peek() != '"') {
                    throw new Stop("Expecting property name enclosed in double quotes", at);
                }
                string();
                blanks();
                if (peek() != ':') {
                    throw new Stop("Expecting ':' delimiter", at);
                }
                at++;
                blanks();
                value();
                if (closed('}')) {
                    return;
                }
            }
        }

        private void items() {
            if (peek() == ']') {
                return;
            }
            do {
                value();
            } while (!closed(']'));
        }

        /** True at the bracket, false behind a comma. */
        private boolean closed(char bracket) {
            blanks();
            if (peek() == bracket) {
                return true;
            }
            if (peek() != ',') {
                throw new Stop("Expecting ',' delimiter", at);
            }
            at++;
            blanks();
            return false;
        }

        private void string() {
            int begin = at++;
            while (true) {
                char c = peek();
                if (at >= text.length() || (c == '\\' && at + 1 >= text.length())) {
                    throw new Stop("Unterminated string starting at", begin);
                }
                if (c == '"') {
                    at++;
                    return;
                }
                if (c < 0x20) {
                    throw new Stop("Invalid control character at", at);
                }
                if (c == '\\') {
                    escape();
                } else {
                    at++;
                }
            }
        }

        private void escape() {
            char c = text.charAt(at + 1);
            if (c != 'u') {
                if (ESCAPES.indexOf(c) < 0) {
                    throw new Stop("Invalid \\escape", at);
                }
                at += 2;
                return;
            }
            if (at + 6 >= text.length()) {
                throw new Stop("Invalid \\uXXXX escape", at + 1);
            }
            if (!text.substring(at + 2, at + 6).matches("[0-9a-fA-F]{4}")) {
                throw new Stop("Invalid \\uXXXX escape", at + 1);
            }
            at += 6;
        }

        private void scalar() {
            for (var word : WORDS) {
                if (text.startsWith(word, at)) {
                    at += word.length();
                    return;
                }
            }
            int from = at;
            at += peek() == '-' ? 1 : 0;
            if (peek() == '0') {
                at++;
            } else if (digits() == 0) {
                throw new Stop("Expecting value", from);
            }
            fraction();
            exponent();
        }

        private int digits() {
            int from = at;
            while (peek() >= '0' && peek() <= '9') {
                at++;
            }
            return at - from;
        }

        private void fraction() {
            int from = at;
            if (peek() == '.') {
                at++;
                at = digits() == 0 ? from : at;
            }
        }

        private void exponent() {
            int from = at;
            if (peek() == 'e' || peek() == 'E') {
                at++;
                at += peek() == '+' || peek() == '-' ? 1 : 0;
                at = digits() == 0 ? from : at;
            }
        }
    }
}
