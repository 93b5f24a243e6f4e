package bestfit.http;

/** An HTTP/1.1 server: keep-alive, pipelining, chunked bodies, limits. */
public final class HttpServer implements AutoCloseable {
    /**
     * Limits of one server.
     *
     * @param maxBodyBytes a larger body is answered 413
     * @param maxHeaderBytes larger headers are answered 431
     * @param maxConnections further ones are closed at once
     * @param idleNanos a connection without a byte for so long, outside of an answer, is closed
     */
    public record Limits(int maxBodyBytes, int maxHeaderBytes, int maxConnections, long idleNanos) {
        public static final Limits DEFAULTS = new Limits(64 << 20, 64 << 10, 10_000, 120_000_000_000L);
    }

    private HttpServer() {}

    /**
     * Binds and serves.
     *
     * @param port 0 takes a free one
     * @throws java.net.BindException naming host and port if it is taken
     */
    public static HttpServer start(String host, int port, Limits limits, Router router) throws java.io.IOException {
        throw new UnsupportedOperationException();
    }

    public String host() {
        throw new UnsupportedOperationException();
    }

    public int port() {
        throw new UnsupportedOperationException();
    }

    public String url() {
        return "http://" + host() + ":" + port();
    }

    /** Stops listening and cuts what is open. */
    @Override
    public void close() {}
}
