package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.StreamSupport;
import javax.net.ssl.SSLException;

/**
 * Sends requests and hands every received piece to a listener with the time of its arrival as the kernel stamped it; with TLS, and
 * where there are no stamps, with the time of its socket read, taken before parsing. Connections are kept alive and reused. For
 * load generation: no allocation per event. Thread-safe.
 */
public final class StreamClient implements AutoCloseable {
    /** Called on the request's event loop; must not block. */
    public interface Listener {
        /** The request's bytes were handed to the socket. Once, also when a stale connection had them sent anew. */
        void onSent(long nanos);

        /** Status line and headers arrived. */
        void onHead(int status, long nanos);

        /**
         * A piece will come at once: looks at the memory that {@link #onBody} will need, so that a processor that waits for one
         * stream's fetches the next one's meanwhile.
         *
         * @return anything made from all that was looked at
         */
        default int near() {
            return 0;
        }

        /** A piece of the body, dechunked, not empty; valid during the call only. Several pieces may share one {@code nanos}. */
        void onBody(byte[] in, int from, int to, long nanos);

        /** The answer is complete. A request posted from here goes out on the same connection. */
        void onEnd(long nanos);

        /** Nothing more comes: refused, reset, broken off, malformed or cancelled. Called instead of {@link #onEnd}. */
        void onFailure(Throwable cause, long nanos);
    }

    /** A request under way. Thread-safe. */
    public interface Call {
        /** Cuts the connection; the listener gets {@code onFailure}. Without effect once the call ended. */
        void cancel();
    }

    private final EventLoopGroup group;
    private final ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    private final List<StreamPool> pools;
    private final AtomicInteger turn = new AtomicInteger();

    private StreamClient(EventLoopGroup group, long connectTimeoutNanos) {
        this.group = group;
        this.pools = StreamSupport.stream(group.spliterator(), false)
                .map(executor -> pool(executor, connectTimeoutNanos))
                .toList();
    }

    /**
     * Starts the loops; no connection is made before a request needs it.
     *
     * @param loops event loops, one thread each
     * @param connectTimeoutNanos for each connection
     */
    public static StreamClient open(int loops, long connectTimeoutNanos) {
        return new StreamClient(EventLoops.open("bestfit-stream", loops), connectTimeoutNanos);
    }

    private StreamPool pool(EventExecutor executor, long connectTimeoutNanos) {
        EventLoop loop = (EventLoop) executor;
        long millis = TimeUnit.NANOSECONDS.toMillis(connectTimeoutNanos);
        Bootstrap bootstrap = new Bootstrap()
                .group(loop)
                .channel(EventLoops.clientChannel())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.clamp(millis, 1, Integer.MAX_VALUE));
        return new StreamPool(loop, bootstrap, channels, millis);
    }

    /**
     * Sends at once on an idle connection to the same host, or a new one. A request that dies on a kept connection before a
     * byte of an answer came is sent again, once, on a new connection: the server had closed the kept one meanwhile.
     *
     * @throws IllegalArgumentException if the URL is not an http or https one or a header has a line break
     * @throws IllegalStateException if this client is closed
     */
    public Call post(URI url, Map<String, String> headers, byte[] body, Listener listener) {
        try {
            Route route = route(url, headers);
            return post(route, route.request(body), listener);
        } catch (UnknownHostException e) {
            StreamPool pool = nextPool();
            StreamCall call = new StreamCall(pool, Route.NOWHERE, new byte[0], listener);
            pool.later(() -> call.fail(e));
            return call;
        }
    }

    /**
     * A URL and headers looked up and encoded once, for many requests.
     *
     * @throws IllegalArgumentException if the URL is not an http or https one or a header has a line break
     * @throws UnknownHostException if the host has no address
     */
    public Route route(URI url, Map<String, String> headers) throws UnknownHostException {
        return route(url, headers, Tls.SYSTEM);
    }

    /** The same, trusting others. */
    public Route route(URI url, Map<String, String> headers, Tls tls) throws UnknownHostException {
        Origin origin = Origin.of(url);
        return new Route(origin, origin.address(), headers, tls);
    }

    /** Where requests go. Immutable. */
    public static final class Route {
        private static final Route NOWHERE = new Route(
                new Origin(false, "", 0, "/"), InetSocketAddress.createUnresolved("", 0), Map.of(), Tls.SYSTEM);

        private final Origin origin;
        private final InetSocketAddress address;
        private final Map<String, String> headers;
        private final Tls tls;

        private Route(Origin origin, InetSocketAddress address, Map<String, String> headers, Tls tls) {
            this.tls = tls;
            this.origin = origin;
            this.address = address;
            this.headers = Map.copyOf(headers);
        }

        boolean secure() {
            return origin.secure();
        }

        InetSocketAddress address() {
            return address;
        }

        SslHandler handler(ByteBufAllocator allocator) throws SSLException {
            return tls.handler(allocator, origin.host(), origin.port());
        }

        /** A whole request with this body, to be given to {@link #post(Route, byte[], Listener)}. */
        public byte[] request(byte[] body) {
            return RequestBytes.of("POST", origin, headers, body);
        }
    }

    /**
     * As {@link #post(URI, Map, byte[], Listener)}, for a request made by {@link Route#request}.
     *
     * @throws IllegalStateException if this client is closed
     */
    public Call post(Route route, byte[] request, Listener listener) {
        StreamPool pool = nextPool();
        StreamCall call = new StreamCall(pool, route, request, listener);
        try {
            pool.run(call::start);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("this client is closed", e);
        }
        return call;
    }

    /** Opens connections that the next requests use; completes when each was made or failed. On the first loop. */
    public CompletableFuture<Void> connect(Route route, int connections) {
        StreamPool pool = pools.getFirst();
        CompletableFuture<Void> all = new CompletableFuture<>();
        pool.run(() -> pool.connectIdle(route, connections, all));
        return all;
    }

    /** Runs on the first event loop, at once if called there. */
    public void execute(Runnable action) {
        pools.getFirst().run(action);
    }

    /** Runs on the first event loop, so long from now. */
    public void schedule(Runnable action, long nanos) {
        pools.getFirst().runLater(action, nanos);
    }

    /**
     * Lets answers that come close together gather for so long before they are read, which costs less; their times stay those of
     * their arrival. Where the kernel does not tell these, nothing waits. What a listener sends in answer goes out later by as much.
     *
     * @param nanos 0 to read at once, as it is at first
     */
    public void gather(long nanos) {
        pools.forEach(pool -> pool.gather(nanos));
    }

    /** How often a loop slept so far to let answers {@linkplain #gather gather}; to be asked when no call is under way. */
    public long rests() {
        return pools.stream().mapToLong(StreamPool::rests).sum();
    }

    /** True if each piece so far had the kernel's stamp; to be asked when no call is under way. */
    public boolean kernelStamps() {
        return pools.stream().allMatch(StreamPool::kernelStamps);
    }

    /** The caller's own loop if it is one of ours, else the loops take turns. */
    private StreamPool nextPool() {
        for (StreamPool pool : pools) {
            if (pool.isCurrent()) {
                return pool;
            }
        }
        return pools.get(Math.floorMod(turn.getAndIncrement(), pools.size()));
    }

    /** Cuts all connections, whose listeners get {@code onFailure}, and ends the loops. */
    @Override
    public void close() {
        channels.close().awaitUninterruptibly(5, TimeUnit.SECONDS);
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
