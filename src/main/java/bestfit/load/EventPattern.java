package bestfit.load;

import java.util.Arrays;

/**
 * The line of a stream's last event, cut at its text: most events of a stream differ in nothing else, and are known by two
 * comparisons of bytes in place of a look at each key. Belongs to one stream.
 */
final class EventPattern {
    /** A server that tells something new with every event is not compared for ever. */
    private static final int MOST_IN_VAIN = 16;

    private static final int CACHE_LINE_BYTES = 64;

    private byte[] line = new byte[0];
    private int length;
    private int textFrom;
    private int textTo;
    private boolean reasoning;
    private int inVain;
    private int matchedTextTo;

    /**
     * Takes a line with one text.
     *
     * @param from where the line begins in {@code in}
     * @param textFrom of the text, behind its opening quote
     * @param textTo of its closing quote
     * @param to behind the line's end
     */
    void learn(byte[] in, int from, int textFrom, int textTo, int to, boolean reasoning) {
        if (inVain >= MOST_IN_VAIN) {
            return;
        }
        inVain++;
        length = to - from;
        if (line.length < length) {
            line = new byte[length];
        }
        System.arraycopy(in, from, line, 0, length);
        this.textFrom = textFrom - from;
        this.textTo = textTo - from;
        this.reasoning = reasoning;
    }

    /** Where the line that begins at {@code from} ends, behind its line end, if it is this one but for its text; else -1. */
    int match(byte[] in, int from, int end) {
        if (length == 0
                || end - from < length - (textTo - textFrom)
                || !Arrays.equals(in, from, from + textFrom, line, 0, textFrom)) {
            return -1;
        }
        int at = from + textFrom;
        while (at < end && in[at] != '"') {
            at += in[at] == '\\' ? 2 : 1;
        }
        int rest = length - textTo;
        if (end - at < rest || !Arrays.equals(in, at, at + rest, line, textTo, length)) {
            return -1;
        }
        inVain = 0;
        matchedTextTo = at;
        return at + rest;
    }

    /** See {@link RequestRecorder#near}. */
    int near() {
        int seen = 0;
        for (int at = 0; at < length; at += CACHE_LINE_BYTES) {
            seen += line[at];
        }
        return seen;
    }

    /** Of the line that matched last, which began at {@code from}. */
    int textFrom(int from) {
        return from + textFrom;
    }

    int textTo() {
        return matchedTextTo;
    }

    boolean reasoning() {
        return reasoning;
    }
}
