package bestfit.load;

import bestfit.http.ErrorText;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads server-sent events of a chat or text completion as bytes: one pass over each line, or a comparison with the line before
 * ({@link EventPattern}); no text decoded, no JSON bound, except for an error event. Belongs to one event loop.
 */
final class EventScanner {
    private static final int MOST_LINE_BYTES = 64 << 20;

    private static final byte[] DATA = bytes("data:");
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};
    private static final byte[] EVENT = bytes("event:");
    private static final byte[] DONE = bytes("[DONE]");

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
    private final AnswerText answer;
    private final EventKeys keys;
    private SplitData split = SplitData.NONE;

    /** Only what is cut off is kept: whole events are looked at where they are, which stays in the processor's cache. */
    private byte[] rest = new byte[0];

    private int filled;
    private byte[] buffer = rest;
    private int limit;
    private boolean afterReturn;
    private boolean done;
    private long doneNanos;
    private boolean namedError;
    private boolean usage;

    private boolean sawEvent;
    private String firstLine = "";

    /** @param answer takes the text of the answer, as it stands between quotes */
    EventScanner(Events events, AnswerText answer) {
        this.events = events;
        this.answer = answer;
        this.keys = new EventKeys(answer);
    }

    /** See {@link RequestRecorder#near}. */
    int near() {
        return filled + pattern.near();
    }

    /** What was kept. */
    byte[] answer() {
        return answer.bytes();
    }

    /** Takes a piece, which stays the caller's. */
    void accept(byte[] in, int from, int to, long nanos) {
        int added = to - from;
        if (filled + split.length() + added > MOST_LINE_BYTES) {
            events.onMalformed("an event of more than " + MOST_LINE_BYTES + " bytes");
            filled = 0;
            split.take();
        } else if (filled == 0) {
            buffer = in;
            keep(takeLines(from, from, to, nanos), to);
        } else {
            reserve(filled + added);
            System.arraycopy(in, from, rest, filled, added);
            buffer = rest;
            keep(takeLines(0, filled, filled + added, nanos), filled + added);
        }
    }

    /**
     * Takes all lines that end before {@code end}.
     *
     * @param first where the first of them begins
     * @param unseen behind what was looked at before
     * @return where the line begins that has no end yet
     */
    private int takeLines(int first, int unseen, int end, long nanos) {
        int line = first;
        int at = unseen;
        limit = end;
        while (at < end) {
            int next = at == line ? takeAsBefore(line, end, nanos) : -1;
            if (next > 0) {
                line = next;
                at = next;
                continue;
            }
            byte read = buffer[at++];
            if (read <= '\r' && (read == '\n' || read == '\r')) { // one comparison for nearly all
                if (read == '\r' || !afterReturn || at - 1 > line) {
                    onLine(line, at - 1, nanos);
                }
                afterReturn = read == '\r';
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
                answer.append(buffer, from, pattern.textTo());
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
        return done
                || (startsWith(DATA, 0, filled)
                        && startsWith(DONE, EventKeys.skipBlanks(buffer, DATA.length, filled), filled));
    }

    /** When the closing line was whole; {@code otherwise} if it was not. */
    long doneNanos(long otherwise) {
        return done ? doneNanos : otherwise;
    }

    /** The engine gave finish reason "abort", or "error". */
    boolean aborted() {
        return keys.aborted();
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
        return keys.promptTokens();
    }

    int completionTokens() {
        return keys.completionTokens();
    }

    private void onLine(int from, int to, long nanos) {
        if (!startsWith(DATA, from, to)) {
            onOther(from, to, nanos);
            return;
        }
        sawEvent = true;
        int start = from + DATA.length;
        while (start < to && buffer[start] == ' ') {
            start++;
        }
        if (startsWith(DONE, start, to)) {
            endSplit(nanos);
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
        int next = behindLineEnd(to);
        if (!split.isEmpty() || (buffer[start] == '{' && goesOn(start, end, next))) {
            split = split.with(buffer, start, end);
        } else if (onData(start, end, nanos) && keys.isOneText()) {
            int textFrom = keys.textFrom();
            pattern.learn(buffer, from, textFrom, EventKeys.stringEnd(buffer, textFrom, to), next, !keys.content());
        }
    }

    private int behindLineEnd(int to) {
        return to + 1 < limit && buffer[to] == '\r' && buffer[to + 1] == '\n' ? to + 2 : to + 1;
    }

    /** The object is not whole: more data must follow. Before a blank line, as nearly always, its brackets are not counted. */
    private boolean goesOn(int start, int end, int next) {
        boolean ends = next < limit && (buffer[next] == '\n' || buffer[next] == '\r');
        return buffer[end - 1] != '}' || (!ends && !SplitData.isWhole(buffer, start, end));
    }

    private void onOther(int from, int to, long nanos) {
        if (from == to) {
            endSplit(nanos);
        } else if (startsWith(EVENT, from, to)) {
            namedError = text(from + EVENT.length, to).equals("error");
        } else if (!sawEvent && firstLine.isEmpty() && startsWith(BYTE_ORDER_MARK, from, to)) {
            onLine(from + BYTE_ORDER_MARK.length, to, nanos);
            return;
        }
        if (!sawEvent && firstLine.isEmpty()) {
            firstLine = ErrorText.oneLine(text(from, to));
        }
    }

    /** An event whose data came in several lines ends here. */
    private void endSplit(long nanos) {
        if (!split.isEmpty()) {
            var lines = buffer;
            int length = split.length();
            buffer = split.take();
            onData(0, length - 1, nanos);
            buffer = lines;
        }
    }

    /** True if content was told. */
    private boolean onData(int start, int end, long nanos) {
        if (namedError) {
            namedError = false;
            events.onError(errorMessage(start, end));
            return false;
        }
        if (buffer[start] != '{' || buffer[end - 1] != '}') {
            events.onMalformed("malformed event: " + ErrorText.oneLine(text(start, end)));
            return false;
        }
        keys.read(buffer, start, end);
        usage = keys.usage();
        if (keys.error() && (!keys.choices() || ErrorEvent.tells(text(start, end)))) {
            events.onError(errorMessage(start, end));
            return false;
        }
        if (keys.content() || keys.reasoning()) {
            events.onContent(keys.text(), keys.reasoning(), nanos);
            return true;
        }
        return false;
    }

    private String errorMessage(int from, int to) {
        return ErrorEvent.messageOf(text(from, to));
    }

    private String text(int from, int to) {
        return new String(buffer, from, to - from, StandardCharsets.UTF_8).strip();
    }

    private boolean startsWith(byte[] prefix, int from, int to) {
        return to - from >= prefix.length
                && Arrays.equals(buffer, from, from + prefix.length, prefix, 0, prefix.length);
    }

    static byte[] bytes(String ascii) {
        return ascii.getBytes(StandardCharsets.US_ASCII);
    }
}
