package bestfit.time;

/** A monotonic clock in nanoseconds; only differences mean something. Thread-safe. */
@FunctionalInterface
public interface NanoClock {
    /** {@link System#nanoTime()}: CLOCK_MONOTONIC on Linux. */
    NanoClock SYSTEM = System::nanoTime;

    long nanoTime();
}
