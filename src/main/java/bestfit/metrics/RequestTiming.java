package bestfit.metrics;

/**
 * One request as compressa-perf records it, in seconds.
 *
 * @param startSeconds Unix time at which a sender took the request up
 * @param endSeconds Unix time at which the answer was complete or its failure seen
 * @param ttftSeconds from start to the first delta with content, even empty; 0 if there was none
 * @param firstTextSeconds from start to the first delta with text; NaN where it was not recorded
 * @param succeeded false for compressa-perf's status "failed"
 */
public record RequestTiming(
        double startSeconds,
        double endSeconds,
        double ttftSeconds,
        double firstTextSeconds,
        int inputTokens,
        int outputTokens,
        boolean succeeded) {
    public double latencySeconds() {
        return endSeconds - startSeconds;
    }
}
