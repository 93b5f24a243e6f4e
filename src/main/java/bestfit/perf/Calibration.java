package bestfit.perf;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Constants of one server learnt from what was measured on it: the most probable ones, given the shipped as prior. Each
 * constant's logarithm has a normal prior of {@value #PRIOR}; residuals count as in Student's t with 4 degrees of freedom,
 * so that an outlier pulls little (Lange, Little, Taylor 1989). Found by descent along pairs of constants.
 */
public final class Calibration {
    private static final double PRIOR = 0.5;
    private static final double NOISE = 0.04;
    private static final double DEGREES = 4;
    private static final double FIRST_STEP = 0.4;
    private static final double LAST_STEP = 0.004;

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
        var names = names(observations.getFirst().config().instance(), prior);
        var constants = prior;
        double best = cost(observations, constants, prior, names);
        for (double step = FIRST_STEP; step > LAST_STEP; step *= 0.6) {
            for (boolean improved = true; improved; ) {
                improved = false;
                for (var one : names) {
                    for (var other : names) {
                        for (int way = 0; way < 4; way++) {
                            var moved =
                                    moved(constants, one, way < 2 ? step : -step, other, way % 2 == 0 ? step : -step);
                            double cost = cost(observations, moved, prior, names);
                            if (cost < best - 1e-6) {
                                best = cost;
                                constants = moved;
                                improved = true;
                            }
                        }
                    }
                }
            }
        }
        return new Fitted(constants, residual(observations, constants));
    }

    /** Two at a time, since some hold one another in balance; a pair of the same name moves it alone. */
    private static Constants moved(Constants from, String one, double by, String other, double otherBy) {
        var moved = from.with(one, from.get(one) * Math.exp(by));
        return one.equals(other) ? moved : moved.with(other, moved.get(other) * Math.exp(otherBy));
    }

    /** What differs from one server to the next: links, host, and how much of its memory and arithmetic a card reaches. */
    private static List<String> names(Instance on, Constants constants) {
        var family = StepTimeModel.family(on.gpu(), constants);
        var names = new ArrayList<>(List.of(family + ".bw", family + ".flops", "service.waves"));
        boolean v0 = on.settings().version().v0();
        names.addAll(
                v0
                        ? List.of("cpu.v0StepMs", "cpu.v0SequenceUs")
                        : List.of("cpu.stepUs", "cpu.sequenceUs", "cpu.layerUs"));
        names.add("cpu.prefillLayerUs");
        if (!on.link().nvlink() && !on.link().peerToPeer()) {
            names.addAll(List.of("ar.host.startUs", "ar.host.share"));
        }
        return names;
    }

    private static double cost(
            List<Observation> observations, Constants constants, Constants prior, List<String> names) {
        double cost = 0;
        for (var observation : observations) {
            var figures = Prediction.of(observation.config(), constants).figures();
            for (var entry : observation.measured().entrySet()) {
                var figure = figures.get(entry.getKey());
                if (figure != null) {
                    double off = Math.log(figure.value() / entry.getValue()) / NOISE;
                    cost += (DEGREES + 1) / 2 * Math.log1p(off * off / DEGREES);
                }
            }
        }
        for (var name : names) {
            double off = Math.log(constants.get(name) / prior.get(name)) / PRIOR;
            cost += off * off / 2;
        }
        return cost;
    }

    private static double residual(List<Observation> observations, Constants constants) {
        double squares = 0;
        int count = 0;
        for (var observation : observations) {
            var figures = Prediction.of(observation.config(), constants).figures();
            for (var entry : observation.measured().entrySet()) {
                var figure = figures.get(entry.getKey());
                if (figure != null) {
                    double off = Math.log(figure.value() / entry.getValue());
                    squares += off * off;
                    count++;
                }
            }
        }
        return count == 0 ? Double.NaN : Math.sqrt(squares / count);
    }
}
