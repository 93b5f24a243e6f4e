package bestfit.metrics;

import bestfit.time.ScaledClock;
import org.jspecify.annotations.Nullable;

/**
 * One request's raw timings. Times are nanoseconds on one monotonic clock; {@link #NEVER} where it did not happen.
 *
 * @param index number of the request in its experiment, from 0
 * @param block which block it belongs to, from 0; -1 is warm-up
 * @param intendedNanos when it should have been sent
 * @param startNanos when the sender took it up, before a connection was obtained
 * @param sentNanos when its bytes were handed to the socket
 * @param firstContentNanos first event whose delta has content, even an empty one: compressa-perf's first token
 * @param firstTokenNanos first event with text, reasoning included
 * @param firstAnswerNanos first event with text that is no reasoning
 * @param lastTokenNanos last event with text
 * @param endNanos answer complete, or failure seen
 * @param inputTokens from usage; 0 if not told
 * @param outputTokens from usage; 0 if not told
 * @param failure null on success, else {@link RequestFailure#because} of what was seen
 * @param startedAtEpochMicros wall clock at {@code startNanos}
 * @param chunks when each event with text arrived
 */
public record Measurement(
        int index,
        int block,
        long intendedNanos,
        long startNanos,
        long sentNanos,
        long firstContentNanos,
        long firstTokenNanos,
        long firstAnswerNanos,
        long lastTokenNanos,
        long endNanos,
        int inputTokens,
        int outputTokens,
        @Nullable String failure,
        long startedAtEpochMicros,
        ChunkTimes chunks) {
    public static final long NEVER = Long.MIN_VALUE;
    private static final double NANOS = 1e9;

    /** Of an engine that does not reason aloud. */
    public Measurement(
            int index,
            int block,
            long intendedNanos,
            long startNanos,
            long sentNanos,
            long firstContentNanos,
            long firstTokenNanos,
            long lastTokenNanos,
            long endNanos,
            int inputTokens,
            int outputTokens,
            @Nullable String failure,
            long startedAtEpochMicros,
            ChunkTimes chunks) {
        this(
                index,
                block,
                intendedNanos,
                startNanos,
                sentNanos,
                firstContentNanos,
                firstTokenNanos,
                firstTokenNanos,
                lastTokenNanos,
                endNanos,
                inputTokens,
                outputTokens,
                failure,
                startedAtEpochMicros,
                chunks);
    }

    /** A request that failed before it was taken up; it ended now. */
    public static Measurement notSent(
            int index, int block, long intendedNanos, long nowNanos, long nowEpochMicros, String why) {
        return new Measurement(
                index,
                block,
                intendedNanos,
                nowNanos,
                NEVER,
                NEVER,
                NEVER,
                NEVER,
                nowNanos,
                0,
                0,
                RequestFailure.NOT_SENT.because(why),
                nowEpochMicros,
                ChunkTimes.NONE);
    }

    public boolean succeeded() {
        return failure == null;
    }

    /** The same request as compressa-perf records it. */
    public RequestTiming timing() {
        double startSeconds = startedAtEpochMicros / 1e6;
        return new RequestTiming(
                startSeconds,
                startSeconds + (endNanos - startNanos) / NANOS,
                firstContentNanos == NEVER ? 0 : (firstContentNanos - startNanos) / NANOS,
                firstTokenNanos == NEVER ? Double.NaN : (firstTokenNanos - startNanos) / NANOS,
                inputTokens,
                outputTokens,
                succeeded());
    }

    /** A request as compressa-perf recorded it, its first token as both of ours. */
    public static Measurement of(RequestTiming timing) {
        long start = Math.round(timing.startSeconds() * NANOS);
        long end = start + Math.round(timing.latencySeconds() * NANOS);
        long first = timing.ttftSeconds() > 0 ? start + Math.round(timing.ttftSeconds() * NANOS) : NEVER;
        return new Measurement(
                0,
                0,
                start,
                start,
                start,
                first,
                first,
                first == NEVER ? NEVER : end,
                end,
                timing.inputTokens(),
                timing.outputTokens(),
                timing.succeeded() ? null : "other: failed",
                start / 1000,
                ChunkTimes.NONE);
    }

    /** The same request at another time of the monotonic clock. */
    public Measurement movedBy(long nanos) {
        return new Measurement(
                index,
                block,
                intendedNanos + nanos,
                startNanos + nanos,
                moved(sentNanos, nanos),
                moved(firstContentNanos, nanos),
                moved(firstTokenNanos, nanos),
                moved(firstAnswerNanos, nanos),
                moved(lastTokenNanos, nanos),
                endNanos + nanos,
                inputTokens,
                outputTokens,
                failure,
                startedAtEpochMicros,
                chunks);
    }

    /** The same request as a scaled clock times it. */
    public Measurement on(ScaledClock clock) {
        var scaled = new long[chunks.count()];
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = Math.round(chunks.offsetNanos(i) * clock.scale());
        }
        return new Measurement(
                index,
                block,
                clock.at(intendedNanos),
                clock.at(startNanos),
                at(clock, sentNanos),
                at(clock, firstContentNanos),
                at(clock, firstTokenNanos),
                at(clock, firstAnswerNanos),
                at(clock, lastTokenNanos),
                clock.at(endNanos),
                inputTokens,
                outputTokens,
                failure,
                startedAtEpochMicros + (clock.at(startNanos) - startNanos) / 1000,
                ChunkTimes.of(scaled, scaled.length).withTokens(chunks.tokens()));
    }

    private static long at(ScaledClock clock, long time) {
        return time == NEVER ? NEVER : clock.at(time);
    }

    private static long moved(long time, long nanos) {
        return time == NEVER ? NEVER : time + nanos;
    }
}
