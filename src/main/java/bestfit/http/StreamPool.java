package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** The connections of one event loop of a {@link StreamClient}, to which it is confined. */
@SuppressWarnings("FutureReturnValueIgnored") // a connect that fails is told to its listener
final class StreamPool {
    private static final int CONNECTING_AT_ONCE = 64;

    private final EventLoop loop;
    private final Bootstrap bootstrap;
    private final ChannelGroup channels;
    private final Map<SocketAddress, Deque<StreamConnection>> idle = new HashMap<>();

    /** @param channels is told every connection, so that they can be cut */
    StreamPool(EventLoop loop, Bootstrap bootstrap, ChannelGroup channels) {
        this.loop = loop;
        this.channels = channels;
        this.bootstrap = bootstrap.handler(initializer(null));
    }

    boolean isCurrent() {
        return loop.inEventLoop();
    }

    /** Runs on the loop: now when already there. */
    void run(Runnable action) {
        if (loop.inEventLoop()) {
            action.run();
        } else {
            loop.execute(action);
        }
    }

    /** Runs on the loop, after what runs now. */
    void later(Runnable action) {
        loop.execute(action);
    }

    /** With HTTPS the handshake follows; what is written meanwhile waits for it. */
    ChannelFuture connect(StreamClient.Route route) {
        return (route.secure() ? bootstrap.clone().handler(initializer(route)) : bootstrap).connect(route.address());
    }

    /** Connections to be made by {@link #connect}. */
    ChannelInitializer<SocketChannel> initializer(StreamClient.@Nullable Route secure) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(SocketChannel channel) throws SSLException {
                channels.add(channel);
                StreamConnection connection = new StreamConnection(channel, StreamPool.this, secure != null);
                if (secure != null) {
                    channel.pipeline().addLast(connection.readStamp(), secure.handler(channel.alloc()));
                }
                channel.pipeline().addLast(connection);
            }
        };
    }

    void runLater(Runnable action, long nanos) {
        loop.schedule(action, nanos, TimeUnit.NANOSECONDS);
    }

    /** Makes idle connections, some at a time so that no server's backlog overflows. */
    void connectIdle(StreamClient.Route route, int count, CompletableFuture<Void> all) {
        int[] left = {count, count};
        for (int i = 0; i < Math.min(count, CONNECTING_AT_ONCE); i++) {
            connectNext(route, left, all);
        }
        if (count == 0) {
            all.complete(null);
        }
    }

    private void connectNext(StreamClient.Route route, int[] toStartAndEnd, CompletableFuture<Void> all) {
        if (toStartAndEnd[0]-- <= 0) {
            return;
        }
        ChannelFuture attempt = connect(route);
        attempt.addListener(connected -> {
            SslHandler handshaking =
                    connected.isSuccess() ? attempt.channel().pipeline().get(SslHandler.class) : null;
            if (handshaking == null) {
                connected(attempt, connected.isSuccess(), route, toStartAndEnd, all);
            } else {
                handshaking
                        .handshakeFuture()
                        .addListener(shaken -> connected(attempt, shaken.isSuccess(), route, toStartAndEnd, all));
            }
        });
    }

    private void connected(
            ChannelFuture attempt,
            boolean made,
            StreamClient.Route route,
            int[] toStartAndEnd,
            CompletableFuture<Void> all) {
        StreamConnection connection = made ? attempt.channel().pipeline().get(StreamConnection.class) : null;
        if (connection != null) {
            putBack(connection);
        }
        connectNext(route, toStartAndEnd, all);
        if (--toStartAndEnd[1] == 0) {
            all.complete(null);
        }
    }

    /** The connection used last, which is the one least likely to have been closed; null when none is idle. */
    @Nullable
    StreamConnection take(InetSocketAddress address) {
        Deque<StreamConnection> connections = idle.get(address);
        StreamConnection connection = connections == null ? null : connections.pollLast();
        while (connections != null && connection != null && !connection.isActive()) {
            connection = connections.pollLast();
        }
        return connection;
    }

    void putBack(StreamConnection connection) {
        idle.computeIfAbsent(connection.remoteAddress(), address -> new ArrayDeque<>())
                .addLast(connection);
    }

    /** Forgets a connection that ended while idle. */
    void remove(StreamConnection connection) {
        Deque<StreamConnection> connections = idle.get(connection.remoteAddress());
        if (connections != null) {
            connections.remove(connection);
        }
    }
}
