package bestfit.load;

import java.time.Duration;

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
}
