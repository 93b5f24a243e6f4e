package bestfit.http;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A streaming reverse proxy: bytes are relayed without parsing bodies, with back-pressure end to end. Which upstream takes
 * a request is decided by the {@link Picker}. An upstream that breaks before its answer's head is whole is replaced by the
 * next pick; one that breaks later has the client's connection cut, so that half an answer never looks like a whole one. A
 * client that leaves takes its upstream connection with it at once.
 */
public final class Relay {
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

    private Relay() {}

    /**
     * A handler that relays its exchange.
     *
     * @param whenNone answers when {@code pick} has none at the first attempt; may block
     * @param whenFailed answers when every upstream tried refused or broke before its first byte; may block
     */
    public static Handler to(Picker picker, Consumer<Exchange> whenNone, Consumer<Exchange> whenFailed) {
        return new Handler() {
            @Override
            public void handle(Exchange exchange) {
                ServerExchange served = (ServerExchange) exchange;
                RelayedRequest request = new RelayedRequest(served, picker, whenNone, whenFailed);
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
        };
    }
}
