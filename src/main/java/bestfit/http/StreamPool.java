package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.socket.SocketChannel;
import java.net.InetSocketAddress;
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
    private final long connectTimeoutMillis;
    private final Gathering gathering;
    private final ReadPieces pieces;
    private boolean kernelStamps = true;
    private final Map<InetSocketAddress, Deque<StreamConnection>> idle = new HashMap<>();

    /** @param channels is told every channel, so that they can be cut */
    StreamPool(EventLoop loop, Bootstrap bootstrap, ChannelGroup channels, long connectTimeoutMillis) {
        this.loop = loop;
        this.channels = channels;
        this.bootstrap = bootstrap;
        this.connectTimeoutMillis = connectTimeoutMillis;
        this.gathering = new Gathering(loop);
        this.pieces = new ReadPieces(loop);
    }

    /** A piece came without the kernel's stamp. */
    void unstamped() {
        kernelStamps = false;
    }

    boolean kernelStamps() {
        return kernelStamps;
    }

    /** See {@link Gathering#answerEnded}. */
    void answerEnded() {
        gathering.answerEnded();
    }

    /** See {@link Gathering#rest}. */
    void gather(long nanos) {
        run(() -> gathering.rest(nanos));
    }

    /** See {@link Gathering#rests}. */
    long rests() {
        return gathering.rests();
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

    /** Told once what became of a connection; from the loop, never within {@link #connect}. */
    interface Waiter {
        void connected(StreamConnection fresh);

        void failed(Throwable cause);
    }

    /** @return ends the attempt without a word to the waiter */
    Runnable connect(StreamClient.Route route, Waiter waiter) {
        if (route.secure() || !EventLoops.epoll()) {
            return connectChannel(route, waiter);
        }
        EpollStream connection = new EpollStream(this, route.address(), loop, gathering, pieces);
        connection.connect(waiter, connectTimeoutMillis);
        return connection::shut;
    }

    private Runnable connectChannel(StreamClient.Route route, Waiter waiter) {
        ChannelFuture attempt =
                bootstrap.clone().handler(initializer(route, waiter)).connect(route.address());
        attempt.addListener(connected -> {
            if (!connected.isSuccess()) {
                waiter.failed(connected.cause());
            }
        });
        return () -> {
            attempt.cancel(false);
            attempt.channel().close();
        };
    }

    /** With HTTPS the handshake follows once connected; what is written meanwhile waits for it. */
    private ChannelInitializer<SocketChannel> initializer(StreamClient.Route route, Waiter waiter) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(SocketChannel channel) throws SSLException {
                channels.add(channel);
                ChannelStream connection = new ChannelStream(channel, StreamPool.this, route.address());
                channel.pipeline().addLast(connection.readStamp());
                if (route.secure()) {
                    channel.pipeline().addLast(route.handler(channel.alloc()));
                }
                channel.pipeline().addLast(connection.reader(waiter));
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
        connect(route, new Waiter() {
            @Override
            public void connected(StreamConnection fresh) {
                fresh.whenReady(ready -> {
                    if (ready) {
                        putBack(fresh);
                    }
                    goOn();
                });
            }

            @Override
            public void failed(Throwable cause) {
                goOn();
            }

            private void goOn() {
                connectNext(route, toStartAndEnd, all);
                if (--toStartAndEnd[1] == 0) {
                    all.complete(null);
                }
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
        idle.computeIfAbsent(connection.address(), address -> new ArrayDeque<>())
                .addLast(connection);
    }

    /** Forgets a connection that ended while idle. */
    void remove(StreamConnection connection) {
        Deque<StreamConnection> connections = idle.get(connection.address());
        if (connections != null) {
            connections.remove(connection);
        }
    }
}
