package bestfit.engine;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * Whether further requests are about to come, so that simulated steps wait for them. Requests that came together are read one
 * after another on few cores; a simulated device, which pauses while the host reads, would begin with the first of them alone.
 * Safe for use by several threads.
 */
final class ExpectedRequests {
    /** After one was read, the next may be about to begin. */
    static final long SETTLED_NANOS = 1_000_000;

    /** A user of a closed loop takes about so long to read an answer's end and to send the next request. */
    private static final long REACTION_NANOS = 8_000_000;

    /** Users who begin together are read by several threads, of which one may have to wait for its turn on a core. */
    private static final long TOGETHER_NANOS = 4_000_000;

    /** But no first request waits longer than this of simulated time, which its step takes anyway. */
    private static final long TOGETHER_SIMULATED_NANOS = 8_000_000;

    private final long togetherNanos;

    /** Requests that have come and are not added yet. */
    private final AtomicInteger reading = new AtomicInteger();

    private final LongSupplier nanoTime;

    private volatile long untilNanos;

    private volatile boolean idle = true;

    /**
     * @param timeScale simulated seconds that pass in one
     * @param nanoTime a clock of real time
     */
    ExpectedRequests(double timeScale, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        untilNanos = nanoTime.getAsLong();
        togetherNanos = Math.min(TOGETHER_NANOS, Math.round(TOGETHER_SIMULATED_NANOS / timeScale));
    }

    /** Tells whether any request runs or waits: where none does, what comes next may be the first of many. */
    void alive(boolean any) {
        idle = !any && reading.get() == 0;
    }

    void beginReading() {
        reading.incrementAndGet();
        if (idle) {
            idle = false;
            expect(togetherNanos);
        }
    }

    /** Returns true when no other is being read. */
    boolean endReading() {
        expect(SETTLED_NANOS);
        return reading.decrementAndGet() == 0;
    }

    /** An answer ended: its user may ask again. */
    void answered() {
        expect(REACTION_NANOS);
    }

    /** A later expectation may be lost to one made at the same time: the difference is no more than a reaction. */
    private void expect(long forNanos) {
        untilNanos = Math.max(untilNanos, nanoTime.getAsLong() + forNanos);
    }

    boolean any() {
        return reading.get() > 0 || nanoTime.getAsLong() < untilNanos;
    }
}
