package bestfit.metrics;

import java.util.Arrays;
import java.util.Collection;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Mean, spread and interval of a sample.
 *
 * @param sd sample standard deviation (n − 1); NaN below two values
 * @param low lower end of the 95 % t interval of the mean; NaN below two values
 * @param high its upper end
 */
public record Summary(int count, double mean, double sd, double low, double high) {
    private static final double LEVEL = 0.95;

    /** @throws IllegalArgumentException if the sample is empty */
    public static Summary of(double... sample) {
        if (sample.length == 0) {
            throw new IllegalArgumentException("A summary needs at least one value.");
        }
        double mean = Arrays.stream(sample).average().orElseThrow();
        if (sample.length == 1) {
            return new Summary(1, mean, Double.NaN, Double.NaN, Double.NaN);
        }
        double squares = Arrays.stream(sample).map(x -> (x - mean) * (x - mean)).sum();
        double sd = Math.sqrt(squares / (sample.length - 1));
        double half = tQuantile(sample.length - 1, LEVEL) * sd / Math.sqrt(sample.length);
        return new Summary(sample.length, mean, sd, mean - half, mean + half);
    }

    public static Summary of(Collection<Double> sample) {
        return of(sample.stream().mapToDouble(Double::doubleValue).toArray());
    }

    public boolean hasInterval() {
        return count > 1;
    }

    /** How many standard errors a two-sided t interval of this level reaches on each side. */
    public static double tQuantile(int degreesOfFreedom, double level) {
        return TDistribution.of(degreesOfFreedom).inverseSurvivalProbability((1 - level) / 2);
    }

    /**
     * Percentile by linear interpolation at index {@code share · (n − 1)}, as NumPy and compressa-perf do.
     *
     * @param share 0 to 1
     * @throws IllegalArgumentException if the sample is empty
     */
    public static double percentile(double[] sample, double share) {
        if (sample.length == 0) {
            throw new IllegalArgumentException("A percentile needs at least one value.");
        }
        var sorted = sample.clone();
        Arrays.sort(sorted);
        return percentileOfSorted(sorted, share);
    }

    /** As {@link #percentile}, of a sample in ascending order. */
    static double percentileOfSorted(double[] sorted, double share) {
        double at = share * (sorted.length - 1);
        int below = (int) Math.floor(at);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
