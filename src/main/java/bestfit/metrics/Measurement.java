package bestfit.metrics;

import org.jspecify.annotations.Nullable;

/**
 * One request's raw timings. Times are nanoseconds on one monotonic clock; {@link #NEVER} where it did not happen.
 *
 * @param index number of the request in its experiment, from 0
 * @param block which block it belongs to, from 0; -1 is warm-up
 * @param intendedNanos when it should have been sent
 * @param startNanos when the sender took it up, before a connection was obtained
 * @param sentNanos when its bytes were handed to the socket
 * @param firstEventNanos first event of the stream, whatever it holds
 * @param firstTokenNanos first event with text
 * @param lastTokenNanos last event with text
 * @param endNanos answer complete, or failure seen
 * @param inputTokens from usage; 0 if not told
 * @param outputTokens from usage; 0 if not told
 * @param failure null on success, else the class of failure and what was seen
 * @param startedAtEpochMicros wall clock at {@code startNanos}
 */
public record Measurement(
        int index,
        int block,
        long intendedNanos,
        long startNanos,
        long sentNanos,
        long firstEventNanos,
        long firstTokenNanos,
        long lastTokenNanos,
        long endNanos,
        int inputTokens,
        int outputTokens,
        @Nullable String failure,
        long startedAtEpochMicros) {
    public static final long NEVER = Long.MIN_VALUE;

    public boolean succeeded() {
        return failure == null;
    }
}
