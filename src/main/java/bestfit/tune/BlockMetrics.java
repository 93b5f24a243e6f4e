package bestfit.tune;

import bestfit.metrics.CompressaMetrics;
import bestfit.metrics.Measurement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/** compressa-perf's metrics of each block. Between blocks other experiments run, so none is computed over several. */
final class BlockMetrics {
    private BlockMetrics() {}

    /** Metrics by block number, warm-up left out. */
    static SequencedMap<Integer, SequencedMap<String, Double>> byBlock(List<Measurement> measurements) {
        var blocks = new TreeMap<Integer, List<Measurement>>();
        for (var each : measurements) {
            if (each.block() >= 0) {
                blocks.computeIfAbsent(each.block(), _ -> new ArrayList<>()).add(each);
            }
        }
        var metrics = new LinkedHashMap<Integer, SequencedMap<String, Double>>();
        blocks.forEach((number, block) -> metrics.put(number, CompressaMetrics.of(block)));
        return metrics;
    }

    /** The mean over blocks; counts are summed. */
    static Map<String, Double> means(List<Measurement> measurements) {
        var values = new LinkedHashMap<String, List<Double>>();
        byBlock(measurements)
                .values()
                .forEach(block -> block.forEach((name, value) ->
                        values.computeIfAbsent(name, _ -> new ArrayList<>()).add(value)));
        var means = new LinkedHashMap<String, Double>();
        values.forEach((name, each) -> means.put(name, isCount(name) ? sum(each) : Interval.mean(each)));
        return means;
    }

    private static boolean isCount(String name) {
        return name.equals("FAILED_REQUESTS") || name.startsWith("LONGER_THAN_");
    }

    private static double sum(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).sum();
    }
}
