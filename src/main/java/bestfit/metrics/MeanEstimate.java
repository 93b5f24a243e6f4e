package bestfit.metrics;

/**
 * A mean and how sure it is.
 *
 * @param standardError of the mean
 * @param count values that it rests on, at least 2
 */
public record MeanEstimate(double mean, double standardError, int count) {
    /** From a mean with its 95 % t interval. */
    public static MeanEstimate ofInterval(double mean, double low, double high, int count) {
        return new MeanEstimate(mean, (high - low) / 2 / Summary.tQuantile(Math.max(1, count - 1), 0.95), count);
    }

    /** A difference relative to the first mean, with its interval by Welch's t. */
    public record Change(double share, double low, double high) {}

    /** How much {@code other} is above this, as a share of this. */
    public Change to(MeanEstimate other, double level) {
        double own = standardError * standardError;
        double its = other.standardError * other.standardError;
        double degrees = (own + its)
                * (own + its)
                / Math.max(Double.MIN_NORMAL, own * own / (count - 1) + its * its / (other.count - 1));
        double half = Summary.tQuantile((int) Math.clamp(degrees, 1, 1_000_000), level) * Math.sqrt(own + its);
        double difference = other.mean - mean;
        return new Change(difference / mean, (difference - half) / mean, (difference + half) / mean);
    }
}
