package bestfit.http;

import bestfit.config.Json;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Blocking calls for control traffic: management APIs, health, metrics. A connection for each call. Thread-safe. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
public final class HttpClient {
    private static final int MAX_ANSWER_BYTES = 256 << 20;

    private final Tls tls;
    private final Map<String, String> always;

    public HttpClient() {
        this(Tls.SYSTEM);
    }

    /** @param always headers of every call, such as {@code Authorization} */
    public HttpClient(Map<String, String> always) {
        this(Tls.SYSTEM, always);
    }

    /** @param tls for URLs of https */
    public HttpClient(Tls tls) {
        this(tls, Map.of());
    }

    private HttpClient(Tls tls, Map<String, String> always) {
        this.tls = tls;
        this.always = Map.copyOf(always);
    }

    /** Nothing, or not all of the answer, came in time. */
    public static final class TimedOut extends IOException {
        TimedOut(String message) {
            super(message);
        }
    }

    /**
     * A whole answer.
     *
     * @param headers by lower-case name
     */
    public record Answer(int status, Map<String, List<String>> headers, byte[] body) {
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        /** The body as JSON; empty if it is none. */
        public Optional<JsonNode> json() {
            try {
                JsonNode node = Json.parse(body);
                return node.isMissingNode() ? Optional.empty() : Optional.of(node);
            } catch (JacksonException e) {
                return Optional.empty();
            }
        }
    }

    public Answer get(String url, Duration timeout) throws IOException {
        return call("GET", url, Map.of(), new byte[0], timeout);
    }

    public Answer postJson(String url, JsonNode body, Duration timeout) throws IOException {
        return call(
                "POST",
                url,
                Map.of("Content-Type", "application/json"),
                Json.write(body).getBytes(StandardCharsets.UTF_8),
                timeout);
    }

    /**
     * Sends a request and waits for the whole answer, whatever its status.
     *
     * @param timeout for everything: connecting, sending, the last byte of the answer
     * @throws TimedOut when the answer was not complete by then
     * @throws InterruptedIOException when the thread was interrupted; its flag stays set
     * @throws ConnectException when no connection could be made
     * @throws IOException when the answer was broken off; all messages name method and URL
     * @throws IllegalArgumentException if the URL is not an http or https one
     */
    public Answer call(String method, String url, Map<String, String> headers, byte[] body, Duration timeout)
            throws IOException {
        Origin origin = Origin.of(url);
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        FullHttpRequest request = request(method, origin, headers, body);
        ChannelFuture connecting = connect(origin, request, answer, timeout);
        try {
            return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new TimedOut(method + " " + url + ": no complete answer within " + timeout.toMillis() + " ms");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(method + " " + url + ": interrupted");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String what = method + " " + url + ": " + Origin.describe(cause);
            if (cause instanceof ConnectException) {
                throw (IOException) new ConnectException(what).initCause(cause);
            }
            throw new IOException(what, cause);
        } finally {
            connecting.cancel(false);
            connecting.channel().close();
        }
    }

    private FullHttpRequest request(String method, Origin origin, Map<String, String> headers, byte[] body) {
        FullHttpRequest request = new DefaultFullHttpRequest(
                HttpVersion.HTTP_1_1, HttpMethod.valueOf(method), origin.target(), Unpooled.wrappedBuffer(body));
        always.forEach(request.headers()::set);
        headers.forEach(request.headers()::set);
        request.headers().set(HttpHeaderNames.HOST, origin.hostHeader());
        request.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        if (body.length > 0 || method.equals("POST") || method.equals("PUT")) {
            request.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.length);
        }
        return request;
    }

    private ChannelFuture connect(
            Origin origin, FullHttpRequest request, CompletableFuture<Answer> answer, Duration timeout)
            throws IOException {
        Bootstrap bootstrap = new Bootstrap()
                .group(EventLoops.shared())
                .channel(EventLoops.clientChannel())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.clamp(timeout.toMillis(), 1, 1 << 30))
                .handler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) throws SSLException {
                        if (origin.secure()) {
                            channel.pipeline().addLast(tls.handler(channel.alloc(), origin.host(), origin.port()));
                        }
                        channel.pipeline()
                                .addLast(
                                        new HttpClientCodec(),
                                        new HttpObjectAggregator(MAX_ANSWER_BYTES),
                                        new Collector(answer));
                    }
                });
        ChannelFuture connecting = bootstrap.connect(origin.address());
        connecting.addListener(connected -> {
            if (connected.isSuccess()) {
                Channel channel = connecting.channel();
                channel.writeAndFlush(request);
            } else {
                request.release();
                answer.completeExceptionally(connected.cause());
            }
        });
        return connecting;
    }

    private static final class Collector extends SimpleChannelInboundHandler<FullHttpResponse> {
        private final CompletableFuture<Answer> answer;

        Collector(CompletableFuture<Answer> answer) {
            this.answer = answer;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
            if (response.decoderResult().isFailure()) {
                answer.completeExceptionally(response.decoderResult().cause());
                return;
            }
            Map<String, List<String>> headers = new LinkedHashMap<>();
            for (String name : response.headers().names()) {
                headers.put(name.toLowerCase(Locale.ROOT), response.headers().getAll(name));
            }
            answer.complete(new Answer(response.status().code(), headers, ByteBufUtil.getBytes(response.content())));
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            answer.completeExceptionally(new IOException("the connection ended before the answer was complete"));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            answer.completeExceptionally(cause);
            context.close();
        }
    }
}
