package bestfit.http;

import io.netty.buffer.ByteBuf;
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
@SuppressWarnings("FutureReturnValueIgnored") // a timer that is not run concerns nobody
abstract sealed class UpstreamConnection permits EpollUpstream, ChannelUpstream {
    static final int CONNECT_TIMEOUT_MILLIS = 5_000;
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

    private final EventLoop loop;
    private final Relay.Upstream upstream;
    private final ResponseParser parser = new ResponseParser();
    private @Nullable RelayAttempt attempt;
    private long idleSinceNanos;

    UpstreamConnection(EventLoop loop, Relay.Upstream upstream, RelayAttempt first) {
        this.loop = loop;
        this.upstream = upstream;
        this.attempt = first;
    }

    /** One that waits for work, most recently used first; null when there is none. On the event loop. */
    static @Nullable UpstreamConnection idle(Relay.Upstream upstream, RelayAttempt next) {
        Deque<UpstreamConnection> waiting = IDLE.get().get(upstream);
        if (waiting == null) {
            return null;
        }
        UpstreamConnection found = waiting.pollLast();
        while (found != null && (!found.isActive() || found.idleNanos() > IDLE_NANOS)) {
            found.close();
            found = waiting.pollLast();
        }
        if (found != null) {
            found.attempt = next;
        }
        return found;
    }

    /** A new one, which calls {@link RelayAttempt#connected} or {@link RelayAttempt#lost}, possibly before it is returned. */
    static UpstreamConnection open(EventLoop loop, Relay.Upstream upstream, Origin origin, RelayAttempt first)
            throws UnknownHostException {
        return EventLoops.epoll()
                ? new EpollUpstream(loop, upstream, origin.address(), first)
                : new ChannelUpstream(loop, upstream, origin.address(), first);
    }

    /** Begins to connect; once. */
    abstract void connect();

    /** Sends a request's bytes, and takes them over. */
    abstract void send(ByteBuf request);

    /** Whether bytes of the answer are read on; what was read is handed on all the same. */
    abstract void reading(boolean on);

    abstract boolean isActive();

    /** Ends it without a word to the attempt. */
    abstract void close();

    final EventLoop loop() {
        return loop;
    }

    ResponseParser parser() {
        return parser;
    }

    /** The attempt is over; the connection is kept if it is where the next answer begins. */
    void giveBack(boolean reusable) {
        attempt = null;
        Deque<UpstreamConnection> waiting = IDLE.get().computeIfAbsent(upstream, any -> new ArrayDeque<>());
        if (!reusable || !isActive() || waiting.size() >= MOST_IDLE) {
            close();
            return;
        }
        reading(true);
        idleSinceNanos = System.nanoTime();
        waiting.addLast(this);
        if (waiting.size() == 1) {
            sweepLater(loop, waiting);
        }
    }

    private static void sweepLater(EventLoop loop, Deque<UpstreamConnection> waiting) {
        loop.schedule(
                () -> {
                    while (!waiting.isEmpty() && waiting.getFirst().idleNanos() > IDLE_NANOS) {
                        waiting.removeFirst().close();
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

    final void opened() {
        if (attempt != null) {
            attempt.connected();
        }
    }

    /** Hands on what one read of the socket gave; the bytes stay the caller's. */
    final void received(ByteBuf in) throws Exception {
        if (attempt == null) {
            close(); // bytes that nobody asked for
        } else {
            attempt.read(in);
        }
    }

    final void receivedAll() {
        if (attempt != null) {
            attempt.readComplete();
        }
    }

    /** It ended; {@code properly} if the upstream closed it and nothing broke. */
    final void ended(boolean properly) {
        if (attempt != null) {
            attempt.lost(properly);
        } else {
            Deque<UpstreamConnection> waiting = IDLE.get().get(upstream);
            if (waiting != null) {
                waiting.remove(this);
            }
        }
    }
}
