package bestfit.openai;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Events in UTF-8, in an array that is used again for the next ones: a step of hundreds of streams would leave a
 * megabyte of strings behind, and clearing that away stops all of them for longer than a token may be late. Not
 * thread-safe.
 */
final class EventBytes {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes = new byte[512];
    private int length;

    void clear() {
        length = 0;
    }

    /** Only the first {@link #length()} count, until the next change. */
    byte[] array() {
        return bytes;
    }

    int length() {
        return length;
    }

    EventBytes append(byte[] more) {
        room(more.length);
        System.arraycopy(more, 0, bytes, length, more.length);
        length += more.length;
        return this;
    }

    EventBytes append(char ascii) {
        room(1);
        bytes[length++] = (byte) ascii;
        return this;
    }

    EventBytes append(int number) {
        if (number < 0 || number > 9) {
            return number < 0
                    ? append(Integer.toString(number))
                    : append(number / 10).append(number % 10);
        }
        return append((char) ('0' + number));
    }

    /** Characters as they are; half a surrogate pair becomes a question mark, as everywhere in Java. */
    EventBytes append(String text) {
        int end = text.length();
        room(end);
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            if (c >= 0x80) {
                return append(text.substring(i).getBytes(StandardCharsets.UTF_8));
            }
            bytes[length++] = (byte) c;
        }
        return this;
    }

    /** A JSON string, escaped as Python's {@code json.dumps} does with {@code ensure_ascii=False}. */
    EventBytes quote(String text) {
        append('"');
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x20 && c != '"' && c != '\\') {
                continue;
            }
            append(text.substring(plain, i)).escape(c);
            plain = i + 1;
        }
        return append(plain == 0 ? text : text.substring(plain)).append('"');
    }

    private void escape(char c) {
        switch (c) {
            case '"' -> append("\\\"");
            case '\\' -> append("\\\\");
            case '\n' -> append("\\n");
            case '\r' -> append("\\r");
            case '\t' -> append("\\t");
            case '\b' -> append("\\b");
            case '\f' -> append("\\f");
            default -> append("\\u00").append((char) HEX[c >> 4]).append((char) HEX[c & 0xF]);
        }
    }

    private void room(int more) {
        if (more > bytes.length - length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
        }
    }
}
