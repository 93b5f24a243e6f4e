package bestfit.http;

import java.util.function.Consumer;

/**
 * A streaming reverse proxy: bytes are relayed without parsing bodies, with back-pressure end to end. Which upstream takes
 * a request is decided by the {@link Picker}.
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
        @org.jspecify.annotations.Nullable
        Upstream pick(int attempt);

        /** The request that {@link #pick} placed there ended, with or without success. Exactly once per pick. */
        void done(Upstream upstream, boolean failed);
    }

    private Relay() {}

    /**
     * A handler that relays its exchange.
     *
     * @param whenNone answers when {@code pick} has none at the first attempt
     * @param whenFailed answers when every upstream tried refused or broke before its first byte
     */
    public static Handler to(Picker picker, Consumer<Exchange> whenNone, Consumer<Exchange> whenFailed) {
        throw new UnsupportedOperationException();
    }
}
