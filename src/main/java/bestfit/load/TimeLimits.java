package bestfit.load;

import java.time.Duration;
import java.util.stream.Stream;

/**
 * How long a request may take before it is cut and counted as failed.
 *
 * @param connect until its bytes are handed to a socket
 * @param firstToken from start to the first event with content
 * @param silence without a byte, once an event with content came
 * @param total from start to end
 */
public record TimeLimits(Duration connect, Duration firstToken, Duration silence, Duration total) {
    static final Duration CONNECT = Duration.ofSeconds(30);

    /** What comes after {@code [DONE]} is no part of the answer: a server that does not end it holds no user longer than this. */
    static final Duration AFTER_DONE = Duration.ofSeconds(1);

    /** The shortest of them. */
    long leastNanos() {
        return Stream.of(connect, firstToken, silence, total, AFTER_DONE)
                .mapToLong(Duration::toNanos)
                .min()
                .orElseThrow();
    }
}
