package bestfit.tune;

import bestfit.store.ExperimentStore;
import bestfit.store.TrialRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;

/**
 * What was measured of one candidate.
 *
 * @param blocks in the order they ran, over all its deployments
 */
public record Figures(List<Block> blocks) {
    public Figures {
        blocks = List.copyOf(blocks);
    }

    /**
     * One block: a share of every experiment.
     *
     * @param deployment counts this candidate's deployments from 0
     * @param number tells which prompts were sent: the same number means the same prompts
     * @param metrics experiment, then metric under compressa-perf's name; all positive
     */
    public record Block(int deployment, int number, Map<String, Map<String, Double>> metrics) {
        /** Mean of the logarithms over the objective's metrics of all experiments, more is better. */
        double gain(Objective objective) {
            var gains = new ArrayList<Double>();
            for (var experiment : metrics.values()) {
                for (var metric : objective.metrics()) {
                    gains.add(Objective.gain(metric, value(experiment, metric)));
                }
            }
            return Interval.mean(gains);
        }

        private static double value(Map<String, Double> experiment, String metric) {
            var value = experiment.get(metric);
            if (value == null || !(value > 0)) {
                throw new IllegalStateException("a finished block lacks " + metric + ": " + experiment);
            }
            return value;
        }
    }

    /** Of trials, computed anew from the raw measurements. */
    static Figures of(List<TrialRow> trials, ExperimentStore experiments) {
        var blocks = new ArrayList<Block>();
        for (var trial : trials) {
            var metrics = new LinkedHashMap<Integer, Map<String, Map<String, Double>>>();
            trial.experiments()
                    .forEach((name, id) -> BlockMetrics.byBlock(experiments.measurements(id))
                            .forEach((number, block) -> metrics.computeIfAbsent(number, _ -> new LinkedHashMap<>())
                                    .put(name, block)));
            metrics.forEach((number, block) -> blocks.add(new Block(trial.deployment(), number, block)));
        }
        return new Figures(blocks);
    }

    public int deployments() {
        return (int) blocks.stream().mapToInt(Block::deployment).distinct().count();
    }

    public SequencedSet<String> experiments() {
        var names = new LinkedHashSet<String>();
        blocks.forEach(block -> names.addAll(block.metrics().keySet()));
        return names;
    }

    /** A metric's values, one a block; empty if it was not taken. */
    public List<Double> values(String experiment, String metric) {
        var values = new ArrayList<Double>();
        for (var block : blocks) {
            var value = block.metrics().getOrDefault(experiment, Map.of()).get(metric);
            if (value != null) {
                values.add(value);
            }
        }
        return values;
    }

    /** A metric's mean and interval over the blocks. */
    public Interval interval(String experiment, String metric) {
        return Interval.of(values(experiment, metric));
    }
}
