package bestfit.perf;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Constants of one server learnt from what was measured on it: the most probable ones given the shipped as prior, see
 * {@link Fit}. Only the constants that the measured configs ask for move; their doubt shrinks, so that predictions of the
 * untried get narrower.
 */
public final class Calibration {
    private static final double NOISE = 0.04;
    private static final int TURNS = 12;

    /** How much hosts differ from one another, and cards of one kind: deviations of logarithms. */
    private static final double HOST = 0.3;

    private static final double CARD = 0.1;

    private Calibration() {}

    /**
     * A measured config.
     *
     * @param measured by the columns of {@link Cases#PREDICTED}
     */
    public record Observation(Case config, Map<String, Double> measured) {}

    /**
     * What was learnt.
     *
     * @param residual root mean square of the logarithm of predicted over measured; above about 0.15 the model does not
     *     describe this server
     */
    public record Fitted(Constants constants, double residual) {}

    public static Fitted fit(List<Observation> observations, Constants prior) {
        Fit.Residuals residuals = constants -> residuals(observations, constants);
        double[] weights = residuals.of(prior);
        Arrays.fill(weights, 1);
        var names = new TreeSet<String>();
        observations.forEach(each -> Prediction.values(each.config(), prior.noting(names)));
        var widened = prior;
        for (var name : names) {
            double server = name.startsWith("ar.host") || name.startsWith("cpu.") ? HOST : CARD;
            widened = widened.with(name, prior.get(name), Math.hypot(prior.doubt(name), server));
        }
        var fitted = Fit.of(residuals, NOISE, weights, widened, List.copyOf(names), TURNS);
        return new Fitted(fitted, Fit.rootMeanSquare(residuals.of(fitted)));
    }

    /** Logarithms of predicted over measured; NaN for what cannot be predicted. */
    private static double[] residuals(List<Observation> observations, Constants constants) {
        return observations.stream()
                .flatMapToDouble(each -> {
                    var figures = Prediction.values(each.config(), constants);
                    return each.measured().entrySet().stream()
                            .mapToDouble(entry ->
                                    Math.log(figures.getOrDefault(entry.getKey(), Double.NaN) / entry.getValue()));
                })
                .toArray();
    }
}
