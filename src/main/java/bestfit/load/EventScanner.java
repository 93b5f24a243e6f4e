package bestfit.load;

import bestfit.http.ErrorText;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.FastThreadLocal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads server-sent events of a chat or text completion as bytes: one pass over each line, or a comparison with the line before
 * ({@link EventPattern}); no text decoded, no JSON bound, except for an error event. Belongs to one event loop.
 */
final class EventScanner {
    private static final int MOST_LINE_BYTES = 64 << 20;
    private static final int PIECE_BYTES = 64 << 10;

    /** Whole events are looked at here, which stays in the processor's cache; each stream keeps only what is cut off. */
    private static final FastThreadLocal<byte[]> PIECE = new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
            return new byte[PIECE_BYTES];
        }
    };

    private static final byte[] DATA = bytes("data:");
    private static final byte[] EVENT = bytes("event:");
    private static final byte[] DONE = bytes("[DONE]");
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

    /** Told what one event held, with the time of its arrival. */
    interface Events {
        /** @param text false for an empty delta, such as the one that tells the role */
        void onContent(boolean text, boolean reasoning, long nanos);

        void onError(String message);

        /** Data that is no event of the API. */
        void onMalformed(String what);
    }

    private final Events events;
    private final EventPattern pattern = new EventPattern();
    private byte[] rest = new byte[0];
    private int filled;
    private byte[] buffer = rest;
    private boolean done;
    private long doneNanos;
    private boolean namedError;
    private boolean aborted;
    private boolean usage;
    private int promptTokens;
    private int completionTokens;

    private boolean sawEvent;
    private String firstLine = "";

    private byte @Nullable [] answer;
    private int answerBytes;

    private boolean sawContent;
    private boolean sawText;
    private boolean sawReasoning;
    private boolean sawError;
    private boolean sawChoices;
    private boolean sawNumbers;
    private int texts;
    private int textFrom;

    EventScanner(Events events) {
        this.events = events;
    }

    /** Keeps the text of the answer from now on, as it stands between quotes. */
    void keepAnswer() {
        answer = new byte[1024];
    }

    /** What was kept. */
    byte[] answer() {
        return answer == null ? new byte[0] : Arrays.copyOf(answer, answerBytes);
    }

    void accept(ByteBuf piece, long nanos) {
        int added = piece.readableBytes();
        if (filled + added > MOST_LINE_BYTES) {
            events.onMalformed("an event of more than " + MOST_LINE_BYTES + " bytes");
            piece.skipBytes(added);
            filled = 0;
            return;
        }
        if (filled > 0 || added > PIECE_BYTES) {
            reserve(filled + added);
            buffer = rest;
        } else {
            buffer = PIECE.get();
        }
        piece.readBytes(buffer, filled, added);
        keep(takeLines(filled + added, nanos), filled + added);
    }

    /** Where the line begins that has no end yet. */
    private int takeLines(int end, long nanos) {
        int line = 0;
        int at = filled;
        while (at < end) {
            int next = at == line ? takeAsBefore(line, end, nanos) : -1;
            if (next > 0) {
                line = next;
                at = next;
            } else if (buffer[at++] == '\n') {
                onLine(line, at - 1, nanos);
                line = at;
            }
        }
        return line;
    }

    /** Takes the line if it differs from the one before in nothing but its text, and tells where the next begins. */
    private int takeAsBefore(int line, int end, long nanos) {
        int next = pattern.match(buffer, line, end);
        if (next > 0) {
            int from = pattern.textFrom(line);
            boolean text = from < pattern.textTo();
            if (!pattern.reasoning()) {
                append(from, pattern.textTo());
                events.onContent(text, false, nanos);
            } else if (text) {
                events.onContent(false, true, nanos);
            }
        }
        return next;
    }

    @SuppressWarnings("ReferenceEquality") // which of the arrays it is, not what it holds
    private void keep(int from, int to) {
        filled = to - from;
        if (filled > 0 && (buffer != rest || from > 0)) {
            reserve(filled);
            System.arraycopy(buffer, from, rest, 0, filled);
        }
        buffer = rest;
    }

    private void reserve(int bytes) {
        if (bytes > rest.length) {
            rest = Arrays.copyOf(rest, Math.max(bytes, Math.max(1024, 2 * rest.length)));
        }
    }

    /** The closing {@code [DONE]} arrived, be it without the end of its line. */
    boolean done() {
        return done || (startsWith(DATA, 0, filled) && startsWith(DONE, skipBlanks(DATA.length, filled), filled));
    }

    /** When the closing line was whole; {@code otherwise} if it was not. */
    long doneNanos(long otherwise) {
        return done ? doneNanos : otherwise;
    }

    /** The engine gave finish reason "abort", or "error". */
    boolean aborted() {
        return aborted;
    }

    /** What came in place of events, shortened; empty if there was an event, or nothing at all. */
    String insteadOfEvents() {
        if (sawEvent) {
            return "";
        }
        return firstLine.isEmpty() ? ErrorEvent.messageOf(text(0, filled)) : firstLine;
    }

    boolean hasUsage() {
        return usage;
    }

    /** From the last usage told. */
    int promptTokens() {
        return promptTokens;
    }

    int completionTokens() {
        return completionTokens;
    }

    private void onLine(int from, int to, long nanos) {
        if (!startsWith(DATA, from, to)) {
            if (startsWith(EVENT, from, to)) {
                namedError = text(from + EVENT.length, to).equals("error");
            }
            if (!sawEvent && firstLine.isEmpty()) {
                firstLine = ErrorText.oneLine(text(from, to));
            }
            return;
        }
        sawEvent = true;
        int start = from + DATA.length;
        while (start < to && buffer[start] == ' ') {
            start++;
        }
        if (startsWith(DONE, start, to)) {
            doneNanos = done ? doneNanos : nanos;
            done = true;
            return;
        }
        int end = to;
        while (end > start && buffer[end - 1] <= ' ') {
            end--;
        }
        if (end == start) {
            return;
        }
        if (namedError) {
            namedError = false;
            events.onError(errorMessage(start, to));
            return;
        }
        if (buffer[start] != '{' || buffer[end - 1] != '}') {
            events.onMalformed("malformed event: " + ErrorText.oneLine(text(start, end)));
            return;
        }
        scan(start, to);
        if (sawError && (!sawChoices || ErrorEvent.tells(text(start, to)))) {
            events.onError(errorMessage(start, to));
        } else if (sawContent || sawReasoning) {
            if (texts == 1 && !sawNumbers) {
                pattern.learn(buffer, from, textFrom, stringEnd(textFrom, to), to + 1, !sawContent);
            }
            events.onContent(sawText, sawReasoning, nanos);
        }
    }

    /** Visits every key of the event's JSON, at whatever depth; strings are skipped whole, so no text can pose as a key. */
    private void scan(int from, int to) {
        sawContent = false;
        sawText = false;
        sawReasoning = false;
        sawError = false;
        sawChoices = false;
        sawNumbers = false;
        texts = 0;
        int at = from;
        while (at < to) {
            if (buffer[at] != '"') {
                at++;
                continue;
            }
            int end = stringEnd(at + 1, to);
            int colon = skipBlanks(end + 1, to);
            if (colon < to && buffer[colon] == ':') {
                int value = skipBlanks(colon + 1, to);
                if (value < to) {
                    onKey(at + 1, end, value, to);
                }
                at = colon + 1;
            } else {
                at = end + 1;
            }
        }
    }

    private void onKey(int from, int to, int value, int lineEnd) {
        byte first = buffer[value];
        if (first == '"') {
            onString(from, to, value, lineEnd);
        } else if (first == '{') {
            sawError |= is(ERROR, from, to);
        } else if (first == '[') {
            sawChoices |= is(CHOICES, from, to);
        } else if (is(PROMPT_TOKENS, from, to)) {
            sawNumbers = true;
            promptTokens = number(value, lineEnd, promptTokens);
        } else if (is(COMPLETION_TOKENS, from, to)) {
            sawNumbers = true;
            usage |= first >= '0' && first <= '9';
            completionTokens = number(value, lineEnd, completionTokens);
        }
    }

    private void onString(int from, int to, int value, int lineEnd) {
        if (is(CONTENT, from, to) || is(TEXT, from, to)) {
            sawContent = true;
            texts++;
            textFrom = value + 1;
            sawText |= buffer[value + 1] != '"';
            if (answer != null) {
                append(value + 1, stringEnd(value + 1, lineEnd));
            }
        } else if (is(REASONING_CONTENT, from, to) || is(REASONING, from, to)) {
            texts++;
            textFrom = value + 1;
            sawReasoning |= buffer[value + 1] != '"';
        } else if (is(FINISH_REASON, from, to)) {
            int end = stringEnd(value + 1, lineEnd);
            aborted |= is(ABORT, value + 1, end) || is(ERROR, value + 1, end);
        } else if (is(ERROR, from, to)
                || (is(OBJECT, from, to) && is(ERROR, value + 1, stringEnd(value + 1, lineEnd)))) {
            sawError = true;
        }
    }

    private void append(int from, int to) {
        var kept = answer;
        if (kept != null) {
            if (answerBytes + to - from > kept.length) {
                kept = Arrays.copyOf(kept, Math.max(answerBytes + to - from, 2 * kept.length));
                answer = kept;
            }
            System.arraycopy(buffer, from, kept, answerBytes, to - from);
            answerBytes += to - from;
        }
    }

    private String errorMessage(int from, int to) {
        return ErrorEvent.messageOf(text(from, to));
    }

    private String text(int from, int to) {
        return new String(buffer, from, to - from, StandardCharsets.UTF_8).strip();
    }

    /** Index of the quote that ends the string beginning at {@code from}. */
    private int stringEnd(int from, int to) {
        int at = from;
        while (at < to && buffer[at] != '"') {
            at += buffer[at] == '\\' ? 2 : 1;
        }
        return Math.min(at, to);
    }

    private int skipBlanks(int from, int to) {
        int at = from;
        while (at < to && (buffer[at] == ' ' || buffer[at] == '\t')) {
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

    private boolean startsWith(byte[] prefix, int from, int to) {
        return to - from >= prefix.length
                && Arrays.equals(buffer, from, from + prefix.length, prefix, 0, prefix.length);
    }

    private boolean is(byte[] word, int from, int to) {
        return to - from == word.length && Arrays.equals(buffer, from, to, word, 0, word.length);
    }

    private static byte[] bytes(String ascii) {
        return ascii.getBytes(StandardCharsets.US_ASCII);
    }
}
