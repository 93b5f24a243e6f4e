package bestfit.http;

import io.netty.buffer.ByteBuf;
import java.net.URI;
import java.util.Map;

/**
 * Sends requests and hands every received piece to a listener with the time of its socket read, taken before parsing.
 * Connections are kept alive and reused. For load generation: no allocation per event beyond Netty's pooled buffers.
 */
public final class StreamClient implements AutoCloseable {
    /** Called on the request's event loop; must not block. */
    public interface Listener {
        /** The request's bytes were handed to the socket. */
        void onSent(long nanos);

        /** Status line and headers arrived. */
        void onHead(int status, long nanos);

        /** A piece of the body, dechunked; valid during the call only. Several pieces may share one {@code nanos}. */
        void onBody(ByteBuf piece, long nanos);

        /** The answer is complete. */
        void onEnd(long nanos);

        /** Nothing more comes: refused, reset, broken off, malformed or timed out. Called instead of {@link #onEnd}. */
        void onFailure(Throwable cause, long nanos);
    }

    /** A request under way. */
    public interface Call {
        /** Cuts the connection; the listener gets {@code onFailure}. */
        void cancel();
    }

    /**
     * @param loops event loops, one thread each
     * @param connectTimeoutNanos for each connection
     */
    public static StreamClient open(int loops, long connectTimeoutNanos) {
        throw new UnsupportedOperationException();
    }

    private StreamClient() {}

    /** Sends at once on an idle connection to the same host, or a new one. */
    public Call post(URI url, Map<String, String> headers, byte[] body, Listener listener) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
