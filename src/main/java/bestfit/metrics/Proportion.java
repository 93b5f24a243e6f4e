package bestfit.metrics;

import bestfit.metrics.MeanEstimate.Change;
import java.util.List;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * How many of some have a property.
 *
 * @param all 0 where it is not known
 */
public record Proportion(long count, long all) {
    public static final Proportion UNKNOWN = new Proportion(0, 0);

    /** Requests that failed. */
    public static Proportion failed(List<Measurement> measurements) {
        return new Proportion(measurements.stream().filter(m -> !m.succeeded()).count(), measurements.size());
    }

    /** Of both together. */
    public Proportion and(Proportion other) {
        return new Proportion(count + other.count, all + other.all);
    }

    public double share() {
        return count / (double) all;
    }

    /** How much the other's share is above this one's, absolute, with Newcombe's interval (his method 10: from Wilson's). */
    public Change to(Proportion other, double level) {
        double z = NormalDistribution.of(0, 1).inverseSurvivalProbability((1 - level) / 2);
        double difference = other.share() - share();
        double below = Math.hypot(other.share() - other.wilson(-z), wilson(z) - share());
        double above = Math.hypot(other.wilson(z) - other.share(), share() - wilson(-z));
        return new Change(difference, difference - below, difference + above);
    }

    private double wilson(double z) {
        double p = share();
        return (p + z * z / (2 * all) + z * Math.sqrt(p * (1 - p) / all + z * z / (4.0 * all * all)))
                / (1 + z * z / all);
    }
}
