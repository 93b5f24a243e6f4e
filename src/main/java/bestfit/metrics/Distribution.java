package bestfit.metrics;

import java.util.Arrays;

/**
 * A sample in the figures that are reported.
 *
 * @param low lower end of the 95 % t interval of the mean; NaN below two independent values
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
     * @param independent the values that the interval is made from, such as each request's mean gap
     * @throws IllegalArgumentException if one of the samples is empty
     */
    public static Distribution of(double[] sample, double[] independent) {
        var spread = Summary.of(independent);
        var sorted = sample.clone();
        Arrays.sort(sorted);
        double mean = Arrays.stream(sample).average().orElseThrow();
        double half = (spread.high() - spread.low()) / 2;
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
