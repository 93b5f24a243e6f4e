package bestfit.tune;

import java.util.List;
import org.apache.commons.statistics.distribution.TDistribution;

/** A mean with its 95 % interval. Infinite bounds when one value alone gives no spread. */
public record Interval(double mean, double low, double high) {
    /** Student's t interval of the mean of independent values. */
    public static Interval of(List<Double> values) {
        double mean = mean(values);
        return around(mean, Math.sqrt(variance(values) / values.size()), values.size() - 1);
    }

    /** @param freedom degrees of freedom of {@code standardError}; below 1 the interval is unbounded */
    static Interval around(double mean, double standardError, int freedom) {
        if (freedom < 1) {
            return new Interval(mean, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
        double half = TDistribution.of(freedom).inverseCumulativeProbability(0.975) * standardError;
        return new Interval(mean, mean - half, mean + half);
    }

    static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    /** Sample variance; 0 for fewer than two values. */
    static double variance(List<Double> values) {
        double mean = mean(values);
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return values.size() < 2 ? 0 : sum / (values.size() - 1);
    }

    /** Half its width. */
    public double half() {
        return (high - low) / 2;
    }

    /** A difference of logarithms as a relative change: 0.2 is 20 % more. */
    Interval asChange() {
        return new Interval(Math.expm1(mean), Math.expm1(low), Math.expm1(high));
    }
}
