package bestfit.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.concurrent.atomic.AtomicInteger;

/** An HTTP/1.1 server: keep-alive, pipelining, chunked bodies, limits. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
public final class HttpServer implements AutoCloseable {
    /**
     * Limits of one server.
     *
     * @param maxBodyBytes a larger body is answered 413
     * @param maxHeaderBytes larger headers are answered 431, a longer request line 414
     * @param maxConnections further ones are closed at once
     * @param idleNanos a connection without a byte for so long, outside of an answer, is closed
     * @param requestNanos a request that is not whole so long after its first byte is answered 408, however it dribbles in
     */
    public record Limits(int maxBodyBytes, int maxHeaderBytes, int maxConnections, long idleNanos, long requestNanos) {
        public static final Limits DEFAULTS = new Limits(64 << 20, 64 << 10, 10_000, 120_000_000_000L, 60_000_000_000L);
    }

    private final String host;
    private final Channel listener;
    private final ChannelGroup connections;

    private HttpServer(String host, Channel listener, ChannelGroup connections) {
        this.host = host;
        this.listener = listener;
        this.connections = connections;
    }

    /**
     * Binds and serves.
     *
     * @param port 0 takes a free one
     * @throws BindException naming host and port if it is taken
     */
    public static HttpServer start(String host, int port, Limits limits, Router router) throws IOException {
        ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
        AtomicInteger open = new AtomicInteger();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(EventLoops.shared())
                .channel(EventLoops.serverChannel())
                .option(ChannelOption.SO_BACKLOG, 4096)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.closeFuture().addListener(closed -> open.decrementAndGet());
                        if (open.incrementAndGet() > limits.maxConnections()) {
                            channel.close();
                            return;
                        }
                        connections.add(channel);
                        RequestDecoder decoder = new RequestDecoder(limits.maxHeaderBytes());
                        channel.pipeline()
                                .addLast(
                                        decoder,
                                        new HttpResponseEncoder(),
                                        new ServerConnection(channel, decoder, limits, router));
                    }
                });
        ChannelFuture bound = bootstrap.bind(address(host, port)).awaitUninterruptibly();
        Throwable failure = bound.cause();
        if (failure != null) {
            throw cannotListen(host, port, reason(failure));
        }
        return new HttpServer(host, bound.channel(), connections);
    }

    static InetSocketAddress address(String host, int port) throws BindException {
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw cannotListen(host, port, "unknown host");
        }
    }

    /** What the operating system said; epoll's messages name the system call before it. */
    static String reason(Throwable failure) {
        String message = Origin.describe(failure);
        return message.substring(message.lastIndexOf(": ") + 1).strip();
    }

    static BindException cannotListen(String host, int port, String why) {
        return new BindException("cannot listen on " + host + ":" + port + ": " + why);
    }

    /** As given at the start. */
    public String host() {
        return host;
    }

    /** The port bound, also when 0 was given. */
    public int port() {
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    public String url() {
        return "http://" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port();
    }

    /** Stops listening and cuts what is open. */
    @Override
    public void close() {
        listener.close().awaitUninterruptibly();
        connections.close().awaitUninterruptibly();
    }
}
