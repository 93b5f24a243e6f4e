package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The connections of one event loop of a {@link StreamClient}, to which it is confined. */
@SuppressWarnings("FutureReturnValueIgnored") // a connect that fails is told to its listener
final class StreamPool {
    private static final int CONNECTING_AT_ONCE = 64;

    private final EventLoop loop;
    private final Bootstrap bootstrap;
    private final Map<SocketAddress, Deque<StreamConnection>> idle = new HashMap<>();

    StreamPool(EventLoop loop, Bootstrap bootstrap) {
        this.loop = loop;
        this.bootstrap = bootstrap;
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

    ChannelFuture connect(InetSocketAddress address) {
        return bootstrap.connect(address);
    }

    void runLater(Runnable action, long nanos) {
        loop.schedule(action, nanos, TimeUnit.NANOSECONDS);
    }

    /** Makes idle connections, some at a time so that no server's backlog overflows. */
    void connectIdle(InetSocketAddress address, int count, CompletableFuture<Void> all) {
        int[] left = {count, count};
        for (int i = 0; i < Math.min(count, CONNECTING_AT_ONCE); i++) {
            connectNext(address, left, all);
        }
        if (count == 0) {
            all.complete(null);
        }
    }

    private void connectNext(InetSocketAddress address, int[] toStartAndEnd, CompletableFuture<Void> all) {
        if (toStartAndEnd[0]-- <= 0) {
            return;
        }
        ChannelFuture attempt = connect(address);
        attempt.addListener(connected -> {
            StreamConnection made =
                    connected.isSuccess() ? attempt.channel().pipeline().get(StreamConnection.class) : null;
            if (made != null) {
                putBack(made);
            }
            connectNext(address, toStartAndEnd, all);
            if (--toStartAndEnd[1] == 0) {
                all.complete(null);
            }
        });
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
