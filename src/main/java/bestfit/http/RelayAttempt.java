package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One try to have a request answered by an upstream. Bytes of the body go to the client as they came, framing included,
 * unless the client needs another framing. Confined to the client's event loop, on which the upstream's socket is read too.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class RelayAttempt implements ResponseParser.Sink {
    /** As MLNode's proxy: a long prompt may take minutes until its first byte. */
    private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(900);

    private static final byte[] NOTHING = {};
    private static final byte[] CRLF = {'\r', '\n'};
    private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private enum Framing {
        /** As the upstream framed it: by length or chunks. */
        SAME,
        /** In chunks of our own, where the upstream's body ends with its connection. */
        CHUNKS,
        /** None: the end of the connection ends the body, for HTTP/1.0 clients. */
        NONE
    }

    private final RelayedRequest request;
    private final ServerExchange exchange;
    private final Relay.Upstream upstream;
    private final Origin origin;
    private ResponseParser parser = new ResponseParser();
    private @Nullable UpstreamConnection connection;
    private @Nullable ScheduledFuture<?> watch;
    private boolean reused;
    private long readNanos = System.nanoTime();
    private Framing framing = Framing.SAME;
    private boolean answering;

    /** Head, and framing after it, that wait for the body's first byte. */
    private byte[] held = NOTHING;

    private boolean over;
    private ByteBuf reading = Unpooled.EMPTY_BUFFER;
    private int readFrom;
    private int relayFrom;

    RelayAttempt(RelayedRequest request, ServerExchange exchange, Relay.Upstream upstream) {
        this.request = request;
        this.exchange = exchange;
        this.upstream = upstream;
        this.origin = new Origin(false, upstream.host(), upstream.port(), exchange.originForm());
    }

    Relay.Upstream upstream() {
        return upstream;
    }

    /** True once the client was sent the answer's head. */
    boolean answering() {
        return answering;
    }

    void start() {
        watchSilence(SILENCE_NANOS);
        UpstreamConnection kept = UpstreamConnection.idle(upstream, this);
        if (kept != null) {
            reused = true;
            connection = kept;
            connected();
        } else {
            connect();
        }
    }

    private void connect() {
        try {
            connection = UpstreamConnection.open(exchange.executor(), upstream, origin, this);
            connection.connect();
        } catch (UnknownHostException e) {
            end(true, false);
        }
    }

    private void watchSilence(long afterNanos) {
        watch = exchange.executor()
                .schedule(
                        () -> {
                            long quiet = System.nanoTime() - readNanos;
                            if (quiet >= SILENCE_NANOS) {
                                end(true, false);
                            } else {
                                watchSilence(SILENCE_NANOS - quiet);
                            }
                        },
                        afterNanos,
                        TimeUnit.NANOSECONDS);
    }

    /** The client left. */
    void abandon() {
        end(false, false);
    }

    private void end(boolean failed, boolean reusable) {
        if (!over) {
            over = true;
            if (watch != null) {
                watch.cancel(false);
            }
            if (connection != null) {
                connection.giveBack(reusable);
            }
            request.ended(this, failed);
        }
    }

    /** The connection takes a request now. */
    void connected() {
        if (over || connection == null) {
            return;
        }
        parser = connection.parser();
        parser.begin(exchange.method().equals("HEAD"));
        connection.send(Unpooled.wrappedBuffer(requestHead(), exchange.body()));
    }

    private byte[] requestHead() {
        StringBuilder head = new StringBuilder(512)
                .append(exchange.method())
                .append(' ')
                .append(origin.target())
                .append(" HTTP/1.1\r\n");
        HopByHop.line(head, "Host", origin.hostHeader());
        HopByHop.append(head, exchange.headers());
        if (exchange.body().length > 0 || exchange.header("Content-Length").isPresent()) {
            HopByHop.line(head, "Content-Length", Integer.toString(exchange.body().length));
        }
        return HopByHop.bytes(head);
    }

    /** Bytes of the answer; {@code in} stays the caller's. */
    void read(ByteBuf in) throws Exception {
        readNanos = System.nanoTime();
        if (!over) {
            try {
                relay(in);
            } finally {
                reading = Unpooled.EMPTY_BUFFER;
            }
        }
    }

    private void relay(ByteBuf in) throws Exception {
        reading = in;
        readFrom = in.readerIndex();
        relayFrom = readFrom;
        byte[] bytes = LoopMemory.toParse(in);
        int count = in.readableBytes();
        int ownCount = parser.feed(bytes, 0, count, this);
        boolean complete = parser.complete();
        boolean clean = ownCount == count;
        if (framing == Framing.SAME && readFrom + ownCount > relayFrom) {
            in.setIndex(relayFrom, readFrom + ownCount); // bytes beyond the answer's end are nobody's
            if (answering) {
                exchange.relay(in);
            } else if (held.length > 0) {
                byte[] more = ByteBufUtil.getBytes(in);
                int before = held.length;
                held = Arrays.copyOf(held, before + more.length);
                System.arraycopy(more, 0, held, before, more.length);
            }
        }
        if (complete && held.length > 0) {
            end(true, false);
        } else if (complete) {
            complete(parser.keepAlive() && clean);
        }
    }

    /**
     * Of a 200 whose body is to come the head waits for the body's first byte: until then another upstream may still answer,
     * and one that ends without a body has not answered at all.
     */
    @Override
    public void head(int status, HttpHeaders headers, int bodyFrom) {
        relayFrom = readFrom + bodyFrom;
        if (parser.endsWithConnection() || parser.chunked()) {
            framing = !exchange.takesChunks() ? Framing.NONE : parser.chunked() ? Framing.SAME : Framing.CHUNKS;
        }
        held = responseHead(status, headers);
        if (status != 200 || !(parser.chunked() || parser.endsWithConnection())) {
            beginAnswer();
        }
    }

    private void beginAnswer() {
        byte[] head = held;
        held = NOTHING;
        // If the client left, this attempt is about to end.
        if (exchange.beginRelayed()) {
            answering = true;
            exchange.relayHead(head);
        }
    }

    private byte[] responseHead(int status, HttpHeaders headers) {
        StringBuilder head = new StringBuilder(512)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(HttpResponseStatus.valueOf(status).reasonPhrase())
                .append("\r\n");
        HopByHop.append(head, headers);
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        if (parser.chunked() || framing != Framing.SAME) {
            if (framing != Framing.NONE) {
                HopByHop.line(head, "Transfer-Encoding", "chunked");
            }
        } else if (length != null) {
            HopByHop.line(head, "Content-Length", length);
        }
        if (framing == Framing.NONE) {
            exchange.endConnection();
        }
        if (!exchange.keepAlive()) {
            HopByHop.line(head, "Connection", "close");
        } else if (!exchange.takesChunks()) {
            HopByHop.line(head, "Connection", "keep-alive"); // HTTP/1.0 has to be told
        }
        return HopByHop.bytes(head);
    }

    @Override
    public void body(byte[] in, int from, int to) {
        if (held.length > 0) {
            beginAnswer();
        }
        if (!answering || framing == Framing.SAME) {
            return;
        }
        if (framing == Framing.CHUNKS) {
            String size = Integer.toHexString(to - from) + "\r\n";
            exchange.relay(Unpooled.wrappedBuffer(size.getBytes(StandardCharsets.US_ASCII)));
        }
        exchange.relay(reading.setIndex(readFrom + from, readFrom + to));
        if (framing == Framing.CHUNKS) {
            exchange.relay(Unpooled.wrappedBuffer(CRLF));
        }
    }

    void readComplete() {
        if (!over && answering) {
            exchange.flushRelayed();
            clientWritabilityChanged();
        }
    }

    /** Reads the upstream only while the client takes what was read. */
    void clientWritabilityChanged() {
        if (connection != null && answering && !over) {
            connection.reading(exchange.isWritable());
        }
    }

    /** The whole answer was read. */
    private void complete(boolean reusable) {
        end(false, reusable);
        exchange.endRelayed(framing == Framing.CHUNKS ? Unpooled.wrappedBuffer(LAST_CHUNK) : Unpooled.EMPTY_BUFFER);
    }

    /** The connection could not be had, or ended; {@code properly} if it was closed and not broken. */
    void lost(boolean properly) {
        if (over) {
            return;
        }
        if (reused && !parser.started()) {
            // Its server closed it just when it was taken out of the pool: that says nothing about the server.
            reused = false;
            connect();
        } else if (properly && answering && parser.endsWithConnection()) {
            complete(false);
        } else {
            end(true, false);
        }
    }
}
