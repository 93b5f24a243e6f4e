package bestfit.load;

import static bestfit.load.EventScanner.bytes;

import java.util.Arrays;

/** What the keys of an event's JSON tell: its texts, its end, the tokens so far. Belongs to one stream. */
final class EventKeys {
    private static final byte[] CONTENT = bytes("content");
    private static final byte[] TEXT = bytes("text");
    private static final byte[] REASONING = bytes("reasoning");
    private static final byte[] REASONING_CONTENT = bytes("reasoning_content");
    private static final byte[] FINISH_REASON = bytes("finish_reason");
    private static final byte[] ABORT = bytes("abort");
    private static final byte[] PROMPT_TOKENS = bytes("prompt_tokens");
    private static final byte[] COMPLETION_TOKENS = bytes("completion_tokens");
    private static final byte[] ERROR = bytes("error");
    private static final byte[] CHOICES = bytes("choices");
    private static final byte[] OBJECT = bytes("object");

    private final AnswerText answer;
    private byte[] buffer = new byte[0];

    private boolean aborted;
    private boolean usage;
    private int promptTokens;
    private int completionTokens;

    private boolean sawContent;
    private boolean sawText;
    private boolean sawReasoning;
    private boolean sawError;
    private boolean sawChoices;
    private boolean sawNumbers;
    private int texts;
    private int textFrom;

    EventKeys(AnswerText answer) {
        this.answer = answer;
    }

    /** Visits every key of the event, at whatever depth; strings are skipped whole, so no text can pose as a key. */
    void read(byte[] in, int from, int to) {
        buffer = in;
        sawContent = false;
        sawText = false;
        sawReasoning = false;
        sawError = false;
        sawChoices = false;
        sawNumbers = false;
        texts = 0;
        int at = from;
        while (at < to) {
            if (in[at] != '"') {
                at++;
                continue;
            }
            int end = stringEnd(in, at + 1, to);
            int colon = skipBlanks(in, end + 1, to);
            if (colon < to && in[colon] == ':') {
                int value = skipBlanks(in, colon + 1, to);
                if (value < to) {
                    onKey(at + 1, end, value, to);
                }
                at = colon + 1;
            } else {
                at = end + 1;
            }
        }
    }

    private void onKey(int from, int to, int value, int eventEnd) {
        byte first = buffer[value];
        if (first == '"') {
            onString(from, to, value, eventEnd);
        } else if (first == '{') {
            sawError |= is(ERROR, from, to);
        } else if (first == '[') {
            sawChoices |= is(CHOICES, from, to);
        } else if (is(PROMPT_TOKENS, from, to)) {
            sawNumbers = true;
            promptTokens = number(value, eventEnd, promptTokens);
        } else if (is(COMPLETION_TOKENS, from, to)) {
            sawNumbers = true;
            usage |= first >= '0' && first <= '9';
            completionTokens = number(value, eventEnd, completionTokens);
        }
    }

    private void onString(int from, int to, int value, int eventEnd) {
        if (is(CONTENT, from, to) || is(TEXT, from, to)) {
            sawContent = true;
            texts++;
            textFrom = value + 1;
            sawText |= buffer[value + 1] != '"';
            answer.append(buffer, value + 1, stringEnd(buffer, value + 1, eventEnd));
        } else if (is(REASONING_CONTENT, from, to) || is(REASONING, from, to)) {
            texts++;
            textFrom = value + 1;
            sawReasoning |= buffer[value + 1] != '"';
        } else if (is(FINISH_REASON, from, to)) {
            int end = stringEnd(buffer, value + 1, eventEnd);
            aborted |= is(ABORT, value + 1, end) || is(ERROR, value + 1, end);
        } else if (is(ERROR, from, to)
                || (is(OBJECT, from, to) && is(ERROR, value + 1, stringEnd(buffer, value + 1, eventEnd)))) {
            sawError = true;
        }
    }

    /** The engine gave finish reason "abort", or "error", in this event or one before. */
    boolean aborted() {
        return aborted;
    }

    /** The tokens of the answer were told, in this event or one before. */
    boolean usage() {
        return usage;
    }

    /** From the last usage told. */
    int promptTokens() {
        return promptTokens;
    }

    int completionTokens() {
        return completionTokens;
    }

    /** The event has a text, be it empty. */
    boolean content() {
        return sawContent;
    }

    /** One that is not empty. */
    boolean text() {
        return sawText;
    }

    boolean reasoning() {
        return sawReasoning;
    }

    boolean error() {
        return sawError;
    }

    boolean choices() {
        return sawChoices;
    }

    /** Nothing but one text makes the event unlike others. */
    boolean isOneText() {
        return texts == 1 && !sawNumbers;
    }

    /** Where the last text of the event begins, behind its quote. */
    int textFrom() {
        return textFrom;
    }

    /** Index of the quote that ends the string beginning at {@code from}. */
    static int stringEnd(byte[] in, int from, int to) {
        int at = from;
        while (at < to && in[at] != '"') {
            at += in[at] == '\\' ? 2 : 1;
        }
        return Math.min(at, to);
    }

    static int skipBlanks(byte[] in, int from, int to) {
        int at = from;
        while (at < to && (in[at] == ' ' || in[at] == '\t' || in[at] == '\n')) {
            at++;
        }
        return at;
    }

    private int number(int from, int to, int otherwise) {
        int value = 0;
        int at = from;
        while (at < to && buffer[at] >= '0' && buffer[at] <= '9') {
            value = (int) Math.min(Integer.MAX_VALUE, value * 10L + (buffer[at++] - '0'));
        }
        return at == from ? otherwise : value;
    }

    private boolean is(byte[] word, int from, int to) {
        return to - from == word.length && Arrays.equals(buffer, from, to, word, 0, word.length);
    }
}
