package bestfit.metrics;

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
        return reordering(sample.clone(), sample);
    }

    /**
     * For a sample whose values depend on each other, such as all gaps of some requests. There may be millions, so no copy
     * is made and none is sorted whole.
     *
     * @param sample left in another order
     * @param independent the values that the interval is made from, in the order they came, such as each request's mean gap
     * @throws IllegalArgumentException if one of the samples is empty
     */
    static Distribution reordering(double[] sample, double[] independent) {
        double half = MeanEstimate.ofSeries(independent).halfInterval();
        double mean = 0;
        for (double value : sample) {
            mean += value;
        }
        mean /= sample.length;
        var percentiles = new Percentiles(sample, 0.50, 0.90, 0.95, 0.99);
        return new Distribution(
                sample.length,
                mean,
                mean - half,
                mean + half,
                percentiles.least(),
                percentiles.at(0.50),
                percentiles.at(0.90),
                percentiles.at(0.95),
                percentiles.at(0.99),
                percentiles.most());
    }
}
