package bestfit.metrics;

import java.util.Arrays;

/**
 * A sample in the figures that are reported.
 *
 * @param low lower end of the 95 % t interval of the mean ({@link MeanEstimate#ofSeries}); NaN below two values
 * @param high its upper end
 */
public record Distribution(
        int count,
        double mean,
        double low,
        double high,
        double min,
        double p50,
        double p90,
        double p95,
        double p99,
        double max) {
    /** @throws IllegalArgumentException if the sample is empty */
    public static Distribution of(double[] sample) {
        return of(sample, sample);
    }

    /**
     * For a sample whose values depend on each other, such as all gaps of some requests.
     *
     * @param independent the values that the interval is made from, in the order they came, such as each request's mean gap
     * @throws IllegalArgumentException if one of the samples is empty
     */
    public static Distribution of(double[] sample, double[] independent) {
        var sorted = sample.clone();
        Arrays.sort(sorted);
        double mean = Arrays.stream(sample).average().orElseThrow();
        double half = MeanEstimate.ofSeries(independent).halfInterval();
        return new Distribution(
                sample.length,
                mean,
                mean - half,
                mean + half,
                sorted[0],
                Summary.percentileOfSorted(sorted, 0.50),
                Summary.percentileOfSorted(sorted, 0.90),
                Summary.percentileOfSorted(sorted, 0.95),
                Summary.percentileOfSorted(sorted, 0.99),
                sorted[sorted.length - 1]);
    }
}
