package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.FastThreadLocal;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A relay's connection to an upstream, used for one attempt after another. Lives on one event loop, that of the clients it
 * serves, so that nothing is handed between threads; each loop keeps its own idle ones.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a close that fails leaves nothing to be done
final class UpstreamConnection extends ChannelInboundHandlerAdapter {
    private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
    private static final int MOST_IDLE = 512;

    /** Below uvicorn's five seconds: a connection that its server is about to close is not worth the failed try. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(4);

    private static final FastThreadLocal<Map<Relay.Upstream, Deque<UpstreamConnection>>> IDLE =
            new FastThreadLocal<>() {
                @Override
                protected Map<Relay.Upstream, Deque<UpstreamConnection>> initialValue() {
                    return new HashMap<>();
                }
            };

    private final Relay.Upstream upstream;
    private final ResponseParser parser = new ResponseParser();
    private final Channel channel;
    private @Nullable RelayAttempt attempt;
    private long idleSinceNanos;
    private boolean broken;

    private UpstreamConnection(Bootstrap bootstrap, Relay.Upstream upstream, Origin origin, RelayAttempt first)
            throws UnknownHostException {
        this.upstream = upstream;
        this.attempt = first;
        ChannelFuture connecting = bootstrap.handler(this).connect(origin.address());
        this.channel = connecting.channel();
        connecting.addListener(connected -> {
            if (!connected.isSuccess() && attempt != null) {
                attempt.lost(false);
            }
        });
    }

    /** One that waits for work, most recently used first; null when there is none. On the event loop. */
    static @Nullable UpstreamConnection idle(Relay.Upstream upstream, RelayAttempt next) {
        Deque<UpstreamConnection> waiting = IDLE.get().get(upstream);
        if (waiting == null) {
            return null;
        }
        UpstreamConnection found = waiting.pollLast();
        while (found != null && (!found.channel.isActive() || found.idleNanos() > IDLE_NANOS)) {
            found.channel.close();
            found = waiting.pollLast();
        }
        if (found != null) {
            found.attempt = next;
        }
        return found;
    }

    /** A new one, which calls {@link RelayAttempt#connected} or {@link RelayAttempt#lost}. */
    static UpstreamConnection open(EventLoop loop, Relay.Upstream upstream, Origin origin, RelayAttempt first)
            throws UnknownHostException {
        Bootstrap bootstrap = new Bootstrap()
                .group(loop)
                .channel(EventLoops.clientChannel())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS);
        return new UpstreamConnection(bootstrap, upstream, origin, first);
    }

    Channel channel() {
        return channel;
    }

    ResponseParser parser() {
        return parser;
    }

    /** The attempt is over; the connection is kept if it is where the next answer begins. */
    void giveBack(boolean reusable) {
        attempt = null;
        Deque<UpstreamConnection> waiting = IDLE.get().computeIfAbsent(upstream, any -> new ArrayDeque<>());
        if (!reusable || !channel.isActive() || waiting.size() >= MOST_IDLE) {
            channel.close();
            return;
        }
        channel.config().setAutoRead(true);
        idleSinceNanos = System.nanoTime();
        waiting.addLast(this);
        if (waiting.size() == 1) {
            sweepLater(channel.eventLoop(), waiting);
        }
    }

    private static void sweepLater(EventLoop loop, Deque<UpstreamConnection> waiting) {
        loop.schedule(
                () -> {
                    while (!waiting.isEmpty() && waiting.getFirst().idleNanos() > IDLE_NANOS) {
                        waiting.removeFirst().channel.close();
                    }
                    if (!waiting.isEmpty()) {
                        sweepLater(loop, waiting);
                    }
                },
                IDLE_NANOS,
                TimeUnit.NANOSECONDS);
    }

    private long idleNanos() {
        return System.nanoTime() - idleSinceNanos;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (attempt != null) {
            attempt.connected();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        ByteBuf in = (ByteBuf) message;
        try {
            if (attempt != null) {
                attempt.read(in);
            } else {
                context.close(); // bytes that nobody asked for
            }
        } finally {
            in.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (attempt != null) {
            attempt.readComplete();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (attempt != null) {
            attempt.lost(!broken);
        } else {
            Deque<UpstreamConnection> waiting = IDLE.get().get(upstream);
            if (waiting != null) {
                waiting.remove(this);
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
        broken = true;
        context.close();
    }
}
