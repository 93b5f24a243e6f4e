package bestfit.engine;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;

/** Where the core puts what it has for one answer. */
interface TokenSink {
    /** Takes an event; called by any thread, must not block. */
    void add(TokenEvent event);

    /** Runs {@link #drain} after events were added; equal executors get all their sinks' work at once. */
    Executor executor();

    /** Uses what was added; must not block. */
    void drain();

    /** A sink whose events another thread waits for. */
    static TokenSink of(BlockingQueue<TokenEvent> events) {
        return new TokenSink() {
            @Override
            public void add(TokenEvent event) {
                events.add(event);
            }

            @Override
            public Executor executor() {
                return Runnable::run;
            }

            @Override
            public void drain() {}
        };
    }
}
