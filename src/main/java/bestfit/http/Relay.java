package bestfit.http;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A streaming reverse proxy: bytes are relayed without parsing bodies, with back-pressure end to end. Which upstream takes
 * a request is decided by the {@link Picker}. An upstream that breaks before its answer's head is whole is replaced by the
 * next pick; one that breaks later has the client's connection cut, so that half an answer never looks like a whole one. A
 * client that leaves takes its upstream connection with it at once. Thread-safe.
 */
public final class Relay implements Handler {
    /** An engine to relay to. */
    public record Upstream(String host, int port) {}

    /** Chooses upstreams; called on event loops, must not block. */
    public interface Picker {
        /**
         * @param attempt 0 for the first try, then 1, 2, … for failovers before the first byte of an answer
         * @return null when there is none left
         */
        @Nullable
        Upstream pick(int attempt);

        /**
         * The request that {@link #pick} placed there ended. Exactly once per pick.
         *
         * @param failed the upstream refused or broke; a client that left is no failure
         */
        void done(Upstream upstream, boolean failed);
    }

    private final Picker picker;
    private final Consumer<Exchange> whenNone;
    private final Consumer<Exchange> whenFailed;
    private final Set<RelayedRequest> underWay = ConcurrentHashMap.newKeySet();

    private Relay(Picker picker, Consumer<Exchange> whenNone, Consumer<Exchange> whenFailed) {
        this.picker = picker;
        this.whenNone = whenNone;
        this.whenFailed = whenFailed;
    }

    /**
     * A handler that relays its exchange.
     *
     * @param whenNone answers when {@code pick} has none at the first attempt; may block
     * @param whenFailed answers when every upstream tried refused or broke before its first byte; may block
     */
    public static Relay to(Picker picker, Consumer<Exchange> whenNone, Consumer<Exchange> whenFailed) {
        return new Relay(picker, whenNone, whenFailed);
    }

    @Override
    public void handle(Exchange exchange) {
        ServerExchange served = (ServerExchange) exchange;
        RelayedRequest request = new RelayedRequest(served, picker, whenNone, whenFailed, underWay);
        if (served.executor().inEventLoop()) {
            request.start();
        } else {
            served.executor().execute(request::start);
        }
    }

    @Override
    public boolean blocks() {
        return false;
    }

    /** Cuts what is under way, on whichever server it came: upstreams that end politely would make half an answer look whole. */
    public void cut() {
        underWay.forEach(RelayedRequest::cut);
    }
}
