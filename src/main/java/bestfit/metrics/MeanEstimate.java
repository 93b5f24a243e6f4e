package bestfit.metrics;

import java.util.Arrays;

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

    private static final int BATCHES = 20;
    private static final int LEAST_IN_A_BATCH = 3;

    /**
     * From values in the order they came. Neighbours are alike where requests share steps or a queue, so that they tell less
     * than as many independent values: with enough of them the larger of the plain standard error and that of the means of
     * 20 batches is taken.
     */
    public static MeanEstimate ofSeries(double[] values) {
        var plain = Summary.of(values);
        double error = plain.sd() / Math.sqrt(values.length);
        if (values.length < BATCHES * LEAST_IN_A_BATCH) {
            return new MeanEstimate(plain.mean(), error, values.length);
        }
        var means = new double[BATCHES];
        for (int batch = 0; batch < BATCHES; batch++) {
            int from = (int) ((long) values.length * batch / BATCHES);
            int to = (int) ((long) values.length * (batch + 1) / BATCHES);
            means[batch] = Arrays.stream(values, from, to).average().orElseThrow();
        }
        double batched = Summary.of(means).sd() / Math.sqrt(BATCHES);
        return batched > error
                ? new MeanEstimate(plain.mean(), batched, BATCHES)
                : new MeanEstimate(plain.mean(), error, values.length);
    }

    /** Half the length of the 95 % t interval of the mean; NaN below two values. */
    double halfInterval() {
        return count < 2 ? Double.NaN : standardError * Summary.tQuantile(count - 1, 0.95);
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
