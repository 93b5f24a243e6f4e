package bestfit.http;

import io.netty.handler.codec.http.HttpHeaders;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A connection of a {@link StreamPool}: one call at a time. Confined to its event loop. */
abstract sealed class StreamConnection implements ResponseParser.Sink permits EpollStream, ChannelStream {
    private final StreamPool pool;
    private final InetSocketAddress address;
    private final ResponseParser parser = new ResponseParser();
    private @Nullable StreamCall call;
    private StreamClient.@Nullable Listener listener; // of the call: an event's bytes go straight to it
    private long readNanos;

    StreamConnection(StreamPool pool, InetSocketAddress address) {
        this.pool = pool;
        this.address = address;
    }

    abstract boolean isActive();

    /** Writes all of it, then tells the call. What fails shows as the end of the connection. */
    abstract void write(byte[] request, StreamCall sentFor);

    /** Ends the connection without a word to its call. */
    abstract void shut();

    /** Tells, now or later, whether the connection can carry a request. */
    abstract void whenReady(Consumer<Boolean> told);

    final StreamPool pool() {
        return pool;
    }

    /** Where it leads. */
    final InetSocketAddress address() {
        return address;
    }

    final void send(StreamCall next, byte[] request) {
        carry(next);
        parser.begin(false);
        write(request, next);
    }

    /** See {@link StreamClient.Listener#near}. */
    final int near() {
        return listener == null ? 0 : listener.near() + (parser.started() ? 1 : 0);
    }

    private void carry(@Nullable StreamCall next) {
        call = next;
        listener = next == null ? null : next.listener();
    }

    /** True once a byte of the answer came. */
    final boolean answering() {
        return parser.started();
    }

    /** Ends the connection; its call hears nothing. */
    final void abandon() {
        carry(null);
        shut();
    }

    /** Takes what was read at this time, deciphered meanwhile. */
    final void received(byte[] in, int from, int to, long nanos) throws IOException {
        readNanos = nanos;
        StreamCall answered = call;
        if (answered == null) {
            shut(); // bytes that nobody asked for
            pool.remove(this);
            return;
        }
        int next = parser.feed(in, from, to, this);
        if (parser.complete() && call == answered) {
            carry(null);
            if (parser.keepAlive() && next == to) {
                pool.putBack(this);
            } else {
                shut();
            }
            pool.answerEnded();
            answered.end(nanos);
        }
    }

    @Override
    public final void head(int status, HttpHeaders headers, int bodyFrom) {
        if (listener != null) {
            listener.onHead(status, readNanos);
        }
    }

    @Override
    public final void body(byte[] in, int from, int to) {
        if (listener != null) {
            listener.onBody(in, from, to, readNanos);
        }
    }

    /** @param cause null when the other side ended it properly */
    final void ended(@Nullable Throwable cause) {
        StreamCall cut = call;
        carry(null);
        if (cut == null) {
            pool.remove(this);
        } else if (parser.endsWithConnection() && cause == null) {
            cut.end(System.nanoTime());
        } else {
            cut.lost(this, cause);
        }
    }
}
