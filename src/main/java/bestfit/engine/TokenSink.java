package bestfit.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;

/** Where the core puts what it has for one answer. */
interface TokenSink {
    /** Takes an event, which nobody learns before {@link #drain}; called by the core, must not block. */
    void add(TokenEvent event);

    /** Runs {@link #prepare} and {@link #drain} after events were added; equal executors get all their sinks' work at once. */
    Executor executor();

    /** Gets what was added ready to be told; must not block. Not always called. */
    void prepare();

    /** Tells what was added; must not block. */
    void drain();

    /** A sink whose events another thread waits for. */
    static TokenSink of(BlockingQueue<TokenEvent> events) {
        return new TokenSink() {
            private final Deque<TokenEvent> added = new ArrayDeque<>(1);

            @Override
            public void add(TokenEvent event) {
                added.add(event);
            }

            @Override
            public Executor executor() {
                return Runnable::run;
            }

            @Override
            public void prepare() {}

            @Override
            public void drain() {
                events.addAll(added);
                added.clear();
            }
        };
    }
}
