package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One try to have a request answered by an upstream. Bytes of the body go to the client as they came, framing included,
 * unless the client needs another framing. Confined to the client's event loop, on which the upstream's socket is read too.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class RelayAttempt extends ChannelInboundHandlerAdapter implements ResponseParser.Sink {
    private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
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
    private final ResponseParser parser = new ResponseParser();
    private @Nullable Channel channel;
    private @Nullable Throwable cause;
    private Framing framing = Framing.SAME;
    private boolean answering;
    private boolean over;
    private @Nullable ByteBuf reading;
    private int relayFrom;

    RelayAttempt(RelayedRequest request, ServerExchange exchange, Relay.Upstream upstream) {
        this.request = request;
        this.exchange = exchange;
        this.upstream = upstream;
        this.origin = new Origin(upstream.host(), upstream.port(), exchange.originForm());
    }

    Relay.Upstream upstream() {
        return upstream;
    }

    /** True once the client was sent the answer's head. */
    boolean answering() {
        return answering;
    }

    void start() {
        try {
            ChannelFuture connecting = new Bootstrap()
                    .group(exchange.eventLoop())
                    .channel(EventLoops.clientChannel())
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                    .handler(this)
                    .connect(origin.address());
            channel = connecting.channel();
            connecting.addListener(connected -> {
                if (!connected.isSuccess()) {
                    end(true);
                }
            });
        } catch (UnknownHostException e) {
            end(true);
        }
    }

    /** The client left. */
    void abandon() {
        end(false);
    }

    private void end(boolean failed) {
        if (!over) {
            over = true;
            if (channel != null) {
                channel.close();
            }
            request.ended(this, failed);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        parser.begin(exchange.method().equals("HEAD"));
        context.writeAndFlush(Unpooled.wrappedBuffer(requestHead(), exchange.body()));
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
        HopByHop.line(head, "Connection", "close");
        return HopByHop.bytes(head);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        ByteBuf in = (ByteBuf) message;
        try {
            if (!over) {
                relay(in);
            }
        } finally {
            reading = null;
            in.release();
        }
    }

    private void relay(ByteBuf in) throws Exception {
        reading = in;
        relayFrom = in.readerIndex();
        boolean complete = parser.feed(in, this);
        if (answering && framing == Framing.SAME && in.readerIndex() > relayFrom) {
            in.setIndex(relayFrom, in.readerIndex()); // bytes beyond the answer's end are nobody's
            exchange.relay(in.retain());
        }
        if (complete) {
            complete();
        }
    }

    @Override
    public void head(int status, HttpHeaders headers) {
        if (!exchange.beginRelayed()) {
            return; // the client left, which is about to end this attempt
        }
        answering = true;
        relayFrom = reading == null ? 0 : reading.readerIndex();
        if (parser.endsWithConnection() || parser.chunked()) {
            framing = !exchange.takesChunks() ? Framing.NONE : parser.chunked() ? Framing.SAME : Framing.CHUNKS;
        }
        exchange.relay(Unpooled.wrappedBuffer(responseHead(status, headers)));
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
    public void body(ByteBuf window) {
        if (!answering || framing == Framing.SAME) {
            return;
        }
        if (framing == Framing.CHUNKS) {
            String size = Integer.toHexString(window.readableBytes()) + "\r\n";
            exchange.relay(Unpooled.wrappedBuffer(size.getBytes(StandardCharsets.US_ASCII)));
        }
        exchange.relay(window.retainedSlice());
        if (framing == Framing.CHUNKS) {
            exchange.relay(Unpooled.wrappedBuffer(CRLF));
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (!over && answering) {
            exchange.flushRelayed();
            clientWritabilityChanged();
        }
    }

    /** Reads the upstream only while the client takes what was read. */
    void clientWritabilityChanged() {
        if (channel != null && answering) {
            channel.config().setAutoRead(exchange.isWritable());
        }
    }

    /** The whole answer was read. */
    private void complete() {
        end(false);
        exchange.endRelayed(framing == Framing.CHUNKS ? Unpooled.wrappedBuffer(LAST_CHUNK) : Unpooled.EMPTY_BUFFER);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (!over && cause == null && answering && parser.endsWithConnection()) {
            complete();
        } else {
            end(true);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
        cause = thrown;
        context.close();
    }
}
