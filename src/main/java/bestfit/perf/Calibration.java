package bestfit.perf;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.DoubleStream;

/**
 * Constants of one server learnt from what was measured on it: the most probable ones given the shipped as prior, see
 * {@link Fit}. Only the constants that the measured configs ask for move; their doubt shrinks, so that predictions of the
 * untried get narrower.
 */
public final class Calibration {
    private static final double NOISE = 0.04;
    private static final int TURNS = 12;

    /** Beginning of the names of the constants of memory. */
    static final String MEMORY = "memory.";

    /** Sizes that a start reports are exact to about 1 %, a quarter of the noise of times. */
    private static final double MEMORY_WEIGHT = 16;

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

    /** What is known of a server: loads, recorded steps and starts. */
    record Evidence(List<Observation> loads, List<StepTable.Window> steps, List<StartLog.Start> starts) {
        boolean times() {
            return !loads.isEmpty() || !steps.isEmpty();
        }
    }

    public static Fitted fit(List<Observation> observations, Constants prior) {
        return fit(new Evidence(observations, List.of(), List.of()), prior);
    }

    static Fitted fit(Evidence evidence, Constants prior) {
        Fit.Residuals residuals = constants -> residuals(evidence, constants);
        double[] all = residuals.of(prior);
        double[] weights = all.clone();
        int starts = all.length
                - evidence.starts().stream()
                        .mapToInt(each -> each.figures().size())
                        .sum();
        int steps = starts - evidence.steps().size();
        Arrays.fill(weights, 0, steps, 1);
        // Windows of one run share what the model gets wrong: they count as the square root of their number.
        Arrays.fill(
                weights,
                steps,
                starts,
                1 / Math.sqrt(Math.max(1, evidence.steps().size())));
        Arrays.fill(weights, starts, all.length, MEMORY_WEIGHT);
        var widened = prior;
        var names = names(evidence, prior);
        for (var name : names) {
            widened = widened.with(name, prior.get(name), unmeasured(prior, name));
        }
        var fitted = Fit.of(residuals, NOISE, weights, widened, names, TURNS);
        var times = names.stream().filter(name -> !name.startsWith(MEMORY)).toList();
        fitted = Fit.givenTheOthers(residuals, NOISE, weights, widened, fitted, times);
        if (evidence.times()) {
            fitted = openWhereUntold(fitted, prior, Set.copyOf(names));
        }
        return new Fitted(fitted, Fit.rootMeanSquare(Arrays.copyOf(residuals.of(fitted), starts)));
    }

    /** What nothing measured here asked for, such as pipelines where none ran, is as unsure as on any other server. */
    private static Constants openWhereUntold(Constants fitted, Constants prior, Set<String> told) {
        var open = fitted;
        for (var name : prior.names()) {
            if (!told.contains(name) && !name.startsWith(MEMORY) && prior.doubt(name) > 0) {
                open = open.with(name, prior.get(name), unmeasured(prior, name));
            }
        }
        return open;
    }

    /** Those that the evidence asks for; times say nothing of memory, which a start says plainly. */
    private static List<String> names(Evidence evidence, Constants prior) {
        var names = new TreeSet<String>();
        evidence.loads().forEach(each -> Prediction.values(each.config(), prior.noting(names)));
        evidence.steps().forEach(each -> each.predicted(prior.noting(names)));
        names.removeIf(name -> name.startsWith(MEMORY));
        evidence.starts().forEach(each -> StartLog.predicted(each.on(), prior.noting(names)));
        return List.copyOf(names);
    }

    /** Doubt of a constant on a server where nothing was measured yet: servers differ. */
    static double unmeasured(Constants prior, String name) {
        if (name.startsWith(MEMORY)) {
            return prior.doubt(name);
        }
        return Math.hypot(prior.doubt(name), Spread.unmeasured(name));
    }

    /** Logarithms of predicted over measured, of loads, then steps, then starts; NaN for what cannot be predicted. */
    private static double[] residuals(Evidence evidence, Constants constants) {
        var loads = evidence.loads().stream()
                .flatMapToDouble(each -> off(Prediction.values(each.config(), constants), each.measured()));
        var steps = evidence.steps().stream().mapToDouble(each -> Math.log(each.predicted(constants) / each.seconds()));
        var starts = evidence.starts().stream()
                .flatMapToDouble(each -> off(StartLog.predicted(each.on(), constants), each.figures()));
        return DoubleStream.concat(DoubleStream.concat(loads, steps), starts).toArray();
    }

    private static DoubleStream off(Map<String, Double> predicted, Map<String, Double> measured) {
        return measured.entrySet().stream()
                .mapToDouble(entry -> Math.log(predicted.getOrDefault(entry.getKey(), Double.NaN) / entry.getValue()));
    }
}
