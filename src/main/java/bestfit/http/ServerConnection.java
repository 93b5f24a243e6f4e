package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One connection of a server: collects requests and answers them one after the other. Confined to its event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class ServerConnection extends ChannelInboundHandlerAdapter {
    /** How long a client may take to read the last answer and hang up before the connection is closed under it. */
    private static final long LINGER_SECONDS = 3;

    private final SocketChannel channel;
    private final RequestDecoder decoder;
    private final HttpServer.Limits limits;
    private final Router router;

    /** The channel's socket where it can be written to past the channel. */
    private final @Nullable Socket socket;

    private final Queue<ServerExchange> waiting = new ArrayDeque<>();

    private @Nullable HttpRequest head;
    private ByteArrayOutputStream body = new ByteArrayOutputStream(0);
    private @Nullable ServerExchange current;
    private @Nullable HttpResponseStatus refusal;
    private boolean continueOwed;
    private boolean ending;
    private @Nullable ChannelHandlerContext encoder;
    private @Nullable Future<?> idleCheck;

    ServerConnection(SocketChannel channel, RequestDecoder decoder, HttpServer.Limits limits, Router router) {
        this.channel = channel;
        this.decoder = decoder;
        this.limits = limits;
        this.router = router;
        this.socket = channel instanceof UnixChannel unix && unix.fd() instanceof Socket bare ? bare : null;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        watchIdle(checkNanos());
    }

    private void watchIdle(long afterNanos) {
        idleCheck = channel.eventLoop().schedule(this::checkIdle, afterNanos, TimeUnit.NANOSECONDS);
    }

    /** Closes a connection that is silent, and refuses a request that takes too long to come. */
    private void checkIdle() {
        long now = System.nanoTime();
        long idleLeft = limits.idleNanos() - (now - decoder.readNanos());
        boolean partial = decoder.partialSinceNanos() != 0 && waiting.isEmpty();
        long requestLeft =
                partial ? limits.requestNanos() - (now - decoder.partialSinceNanos()) : limits.requestNanos();
        if (current != null || ending) {
            watchIdle(checkNanos());
        } else if (idleLeft <= 0) {
            channel.close();
        } else if (requestLeft <= 0) {
            refuse(HttpResponseStatus.REQUEST_TIMEOUT);
        } else {
            watchIdle(Math.min(Math.min(idleLeft, requestLeft), checkNanos()));
        }
    }

    private long checkNanos() {
        return Math.min(limits.idleNanos(), limits.requestNanos());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            if (refusal == null && !ending) {
                receive(message);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void receive(Object message) {
        if (message instanceof HttpRequest request) {
            begin(request);
        }
        if (message instanceof HttpContent content && head != null) {
            append(head, content);
        }
    }

    private void begin(HttpRequest request) {
        HttpResponseStatus objection = objection(request);
        if (objection != null) {
            refuse(objection);
            return;
        }
        head = request;
        body = new ByteArrayOutputStream(0);
        if (HttpUtil.is100ContinueExpected(request)) {
            continueOwed = true;
            proceed();
        }
    }

    private @Nullable HttpResponseStatus objection(HttpRequest request) {
        DecoderResult result = request.decoderResult();
        if (result.isFailure()) {
            return switch (result.cause()) {
                case TooLongHttpHeaderException e -> HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE;
                case TooLongHttpLineException e -> HttpResponseStatus.REQUEST_URI_TOO_LONG;
                default -> HttpResponseStatus.BAD_REQUEST;
            };
        }
        if (request.method().equals(HttpMethod.CONNECT)) {
            return HttpResponseStatus.NOT_IMPLEMENTED; // no tunnel is made here, nor asked for behind a relay
        }
        if (request.protocolVersion().majorVersion() != 1) {
            return HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED;
        }
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        if (request.protocolVersion().equals(HttpVersion.HTTP_1_1) ? hosts.size() != 1 : hosts.size() > 1) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        if (!framedClearly(request)) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        if (request.headers().contains(HttpHeaderNames.EXPECT) && !HttpUtil.is100ContinueExpected(request)) {
            return HttpResponseStatus.EXPECTATION_FAILED;
        }
        if (HttpUtil.getContentLength(request, 0L) > limits.maxBodyBytes()) {
            return HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE;
        }
        return null;
    }

    /** False where two readers could disagree on the body's end: a coding other than chunked, or one in HTTP/1.0. */
    private static boolean framedClearly(HttpRequest request) {
        List<String> codings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
        return codings.isEmpty()
                || (codings.size() == 1
                        && codings.getFirst().equalsIgnoreCase("chunked")
                        && request.protocolVersion().equals(HttpVersion.HTTP_1_1)
                        && !request.headers().contains(HttpHeaderNames.CONTENT_LENGTH));
    }

    private void append(HttpRequest request, HttpContent content) {
        if (content.decoderResult().isFailure()) {
            refuse(HttpResponseStatus.BAD_REQUEST);
            return;
        }
        int bytes = content.content().readableBytes();
        if (bytes > limits.maxBodyBytes() - body.size()) {
            refuse(HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE);
            return;
        }
        copy(content, bytes);
        if (content instanceof LastHttpContent) {
            decoder.whole();
            head = null;
            continueOwed = false;
            waiting.add(new ServerExchange(channel, this, request, body.toByteArray(), decoder.readNanos()));
            proceed();
        }
    }

    private void copy(HttpContent content, int bytes) {
        try {
            content.content().readBytes(body, bytes);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e); // a byte array takes everything
        }
    }

    /** Answers {@code status} after the requests before, then hangs up: where the next request begins is unknown. */
    private void refuse(HttpResponseStatus status) {
        refusal = status;
        head = null;
        continueOwed = false;
        proceed();
    }

    /** Takes the next step that the answers before allow. */
    private void proceed() {
        if (current == null && !ending && channel.isWritable()) {
            ServerExchange next = waiting.poll();
            if (next != null) {
                current = next;
                next.run(router);
            } else if (refusal != null) {
                writeRefusal(refusal);
            } else if (continueOwed) {
                continueOwed = false;
                channel.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
            }
        }
        // One complete request may wait for its turn; the socket holds back the rest.
        channel.config().setAutoRead(waiting.isEmpty());
    }

    private void writeRefusal(HttpResponseStatus status) {
        byte[] text = status.reasonPhrase().getBytes(StandardCharsets.US_ASCII);
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(text));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                .set(HttpHeaderNames.CONTENT_LENGTH, text.length)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        hangUpAfter(channel.writeAndFlush(response));
    }

    /** The exchange's last byte was written by {@code lastWrite}; the next has its turn when the socket took it. */
    void finished(ServerExchange exchange, ChannelFuture lastWrite) {
        lastWrite.addListener((ChannelFutureListener) written -> {
            if (exchange != current) {
                return;
            }
            current = null;
            if (!written.isSuccess()) {
                channel.close();
            } else if (exchange.keepAlive()) {
                proceed();
            } else {
                hangUpAfter(written);
            }
        });
    }

    /**
     * Ends the connection so that the last answer arrives: closing a socket with unread input would reset it and could
     * destroy the answer on its way, so input is read and dropped until the client hangs up, for a while.
     */
    private void hangUpAfter(ChannelFuture lastWrite) {
        ending = true;
        waiting.clear();
        channel.config().setAutoRead(true);
        lastWrite.addListener((ChannelFutureListener) written -> {
            channel.shutdownOutput();
            channel.eventLoop().schedule(() -> channel.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        });
    }

    /** Writes bytes that need no encoding; takes them over. */
    void writeRaw(ByteBuf bytes) {
        ChannelHandlerContext past = pastEncoder();
        past.write(bytes, past.voidPromise());
    }

    /**
     * Writes bytes that need no encoding straight to the socket, as far as nothing waits before them and it takes them; the
     * rest is copied and waits for {@link #flushWaiting}. The bytes stay the caller's.
     */
    void writeThrough(ByteBuf bytes) {
        ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
        if (waiting == null) {
            return; // closed
        }
        int from = bytes.readerIndex();
        if (socket != null && waiting.totalPendingWriteBytes() == 0 && bytes.hasMemoryAddress()) {
            try {
                from += Math.max(0, socket.sendAddress(bytes.memoryAddress(), from, bytes.writerIndex()));
            } catch (IOException clientLeft) {
                channel.close();
                return;
            }
        }
        if (from < bytes.writerIndex()) {
            writeRaw(bytes.copy(from, bytes.writerIndex() - from));
        }
    }

    void flushWaiting() {
        ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
        if (waiting != null && waiting.totalPendingWriteBytes() > 0) {
            channel.flush();
        }
    }

    /** Writes and flushes the last bytes of an answer; the future tells when the socket took them. */
    ChannelFuture writeLastRaw(ByteBuf bytes) {
        return pastEncoder().writeAndFlush(bytes);
    }

    private ChannelHandlerContext pastEncoder() {
        ChannelHandlerContext past = encoder;
        if (past == null) {
            past = channel.pipeline().context(HttpResponseEncoder.class);
            encoder = past;
        }
        return past;
    }

    /** Cuts the connection with a reset, after what the socket takes of the bytes written so far. */
    void reset() {
        if (channel.isOpen()) {
            channel.flush();
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
            channel.close();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (current != null) {
            current.writabilityChanged();
        } else {
            proceed();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ending = true;
        waiting.clear();
        if (idleCheck != null) {
            idleCheck.cancel(false); // it would keep the connection, and all that its handlers hold, for minutes
        }
        ServerExchange cut = current;
        current = null;
        if (cut != null) {
            cut.clientLeft();
        }
    }

    /** Only I/O errors come here, mostly a reset by the client. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
