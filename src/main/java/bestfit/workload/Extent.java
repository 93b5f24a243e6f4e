package bestfit.workload;

import java.time.Duration;

/** How long a run goes on: by count, by time, or until it is stopped. */
public sealed interface Extent {
    /** So many requests. */
    record Requests(int count) implements Extent {}

    /** No request starts after so long; those under way end. */
    record Lasting(Duration duration) implements Extent {}

    /** Until it is stopped. What a run gives back is bounded then: its newest requests. */
    record Endless() implements Extent {}

    /** The same, or longer where open load at this rate would end before so many seconds have passed. */
    default Extent atLeast(double seconds, double rate) {
        return switch (this) {
            case Requests(int count) ->
                new Requests((int) Math.clamp(Math.ceil(rate * seconds), count, Integer.MAX_VALUE));
            case Lasting(Duration duration) -> {
                var least = Duration.ofMillis((long) Math.ceil(1000 * seconds));
                yield new Lasting(duration.compareTo(least) < 0 ? least : duration);
            }
            case Endless() -> this;
        };
    }

    /** How many of its newest requests a run gives back. */
    default int mostKept() {
        return this instanceof Endless ? 10_000 : Integer.MAX_VALUE;
    }

    default int mostRequests(int otherwise) {
        return this instanceof Requests(int count) ? count : otherwise;
    }

    default long mostNanos() {
        return this instanceof Lasting(Duration duration) ? duration.toNanos() : Long.MAX_VALUE;
    }
}
