package bestfit.load;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;

/** One answer under way. Events are due at fixed times after the arrival, so that a late one moves no other. */
final class TruthStream implements Comparable<TruthStream> {
    private static final String HEAD =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static final String ID =
            "{\"id\":\"chatcmpl-00000000000000000000000000000000\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\""
                    + TruthServer.MODEL + "\",\"choices\":[";
    private static final String ROLE = chunk(
            ID
                    + "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}],\"prompt_token_ids\":null}");
    private static final ByteBuffer CHAT_EVENT = direct(chunk(chat("null")));
    private static final ByteBuffer TEXT_EVENT = direct(chunk(text("null")));

    private final SelectionKey key;
    private final TruthConnection connection;
    private final Asked asked;
    private final Times times;
    private final long[] written;
    private int next;
    private int blocked;

    /**
     * What a request asks for.
     *
     * @param chat else text completions
     * @param usage counts at the end
     * @param tokens of the answer, an event each
     */
    record Asked(boolean chat, boolean usage, int promptTokens, int tokens) {}

    /** When it came, when its first event is due, and how long after it the others are. */
    record Times(long arrivalNanos, long firstNanos, long tpotNanos) {}

    TruthStream(SelectionKey key, TruthConnection connection, Asked asked, Times times) {
        this.key = key;
        this.connection = connection;
        this.asked = asked;
        this.times = times;
        this.written = new long[asked.tokens()];
    }

    SelectionKey key() {
        return key;
    }

    long dueNanos() {
        return times.firstNanos() + next * times.tpotNanos();
    }

    TruthRequest request() {
        return new TruthRequest(times.arrivalNanos(), written, blocked);
    }

    /** Whether the event that is due is the last one. */
    boolean atLast() {
        return next == written.length - 1;
    }

    /** Takes the time of the event that is due; {@link #write} follows. */
    void stamp() {
        written[next] = System.nanoTime() - times.arrivalNanos();
    }

    void write() throws IOException {
        var bytes = next == 0 || atLast()
                ? ByteBuffer.wrap(TruthServer.ascii(edge()))
                : (asked.chat() ? CHAT_EVENT : TEXT_EVENT).duplicate();
        next++;
        blocked += connection.write(key, bytes) ? 0 : 1;
    }

    /** The first event comes with the head, the last with the end. */
    private String edge() {
        boolean first = next == 0;
        boolean last = atLast();
        var finish = last ? "\"length\"" : "null";
        var event = chunk(asked.chat() ? chat(finish) : text(finish));
        return (first ? HEAD + (asked.chat() ? ROLE : "") : "") + event + (last ? end() : "");
    }

    private String end() {
        var counts = "],\"usage\":{\"prompt_tokens\":" + asked.promptTokens() + ",\"total_tokens\":"
                + (asked.promptTokens() + written.length) + ",\"completion_tokens\":" + written.length + "}}";
        return (asked.usage() ? chunk(ID + counts) : "") + chunk("[DONE]") + "0\r\n\r\n";
    }

    private static String chat(String finish) {
        return ID + "{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":" + finish
                + ",\"token_ids\":null}]}";
    }

    private static String text(String finish) {
        return ID + "{\"index\":0,\"text\":\" word\",\"logprobs\":null,\"finish_reason\":" + finish + "}]}";
    }

    private static String chunk(String data) {
        var event = "data: " + data + "\n\n";
        return Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
    }

    private static ByteBuffer direct(String text) {
        var bytes = TruthServer.ascii(text);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    @Override
    public int compareTo(TruthStream other) {
        return Long.compare(dueNanos() - other.dueNanos(), 0);
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
