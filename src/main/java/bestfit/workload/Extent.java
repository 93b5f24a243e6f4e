package bestfit.workload;

import java.time.Duration;

/** How long a run goes on: by count or by time. */
public sealed interface Extent {
    /** So many requests. */
    record Requests(int count) implements Extent {}

    /** No request starts after so long; those under way end. */
    record Lasting(Duration duration) implements Extent {}

    default int mostRequests(int otherwise) {
        return this instanceof Requests(int count) ? count : otherwise;
    }

    default long mostNanos() {
        return this instanceof Lasting(Duration duration) ? duration.toNanos() : Long.MAX_VALUE;
    }
}
