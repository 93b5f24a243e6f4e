package bestfit.perf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** How good a table of predictions is against the measurements beside them. */
public final class Score {
    private Score() {}

    /**
     * Of one predicted column.
     *
     * @param medianError relative, absolute value
     * @param p90Error 90th percentile of the same
     * @param coverage share of measurements inside their interval
     */
    public record Errors(int rows, double medianError, double p90Error, double medianRatio, double coverage) {}

    /**
     * Over groups of rows that differ only in layout: throughput lost by the choice, as a share of the best.
     *
     * @param median of the groups
     */
    public record Choice(int groups, double median, double worst) {}

    /** Every predicted column that has measurements; a row that a table holds twice counts once. */
    public static Map<String, Errors> errors(List<Map<String, String>> rows) {
        var all = new LinkedHashMap<String, Errors>();
        for (var name : Cases.PREDICTED) {
            errors(rows, List.of(name)).ifPresent(errors -> all.put(name, errors));
        }
        return all;
    }

    /** Of several columns together, each measured figure a row; empty where nothing was measured. */
    public static Optional<Errors> errors(List<Map<String, String>> rows, List<String> names) {
        var ratios = new ArrayList<Double>();
        int inside = 0;
        for (var row : new LinkedHashSet<>(rows)) {
            for (var name : names) {
                double measured = number(row, name);
                double predicted = number(row, "pred_" + name);
                if (measured > 0 && predicted > 0 && counts(row, name)) {
                    ratios.add(predicted / measured);
                    boolean covered = number(row, "pred_" + name + "_low") <= measured
                            && measured <= number(row, "pred_" + name + "_high");
                    inside += covered ? 1 : 0;
                }
            }
        }
        if (ratios.isEmpty()) {
            return Optional.empty();
        }
        var errors = ratios.stream().map(ratio -> Math.abs(ratio - 1)).sorted().toList();
        var sorted = ratios.stream().sorted().toList();
        return Optional.of(new Errors(
                ratios.size(),
                quantile(errors, 0.5),
                quantile(errors, 0.9),
                quantile(sorted, 0.5),
                (double) inside / ratios.size()));
    }

    /** A time to the first token does not count where the row's own note warns of it: there the prompts were cached. */
    static boolean counts(Map<String, String> row, String name) {
        return !name.startsWith("ttft") || !row.getOrDefault("notes", "").contains("prefix-cache hits");
    }

    /** How rows are chosen among layouts of one server. */
    public enum Rule {
        PREDICTED,
        SMALLEST_TP,
        LARGEST_TP
    }

    /**
     * Groups share model, quantisation, GPU and load; only groups with several layouts count. Throughput is a GPU's, so
     * that a config on fewer GPUs is repeated to fill the server. A config measured twice is one config, and what it gives is the mean.
     */
    public static Choice choice(List<Map<String, String>> rows, Rule rule) {
        var groups = rows.stream()
                .filter(row -> perGpu(row, "") > 0 && perGpu(row, "pred_") > 0)
                .collect(Collectors.groupingBy(Score::group, LinkedHashMap::new, Collectors.toList()));
        var losses = new ArrayList<Double>();
        for (var group : groups.values()) {
            if (group.stream().map(Score::layout).distinct().count() < 2) {
                continue;
            }
            var configs = group.stream()
                    .collect(Collectors.groupingBy(Score::config, LinkedHashMap::new, Collectors.toList()))
                    .values();
            var chosen = configs.iterator().next();
            double best = 0;
            for (var config : configs) {
                best = Math.max(best, mean(config, ""));
                boolean better = switch (rule) {
                    case PREDICTED -> mean(config, "pred_") > mean(chosen, "pred_");
                    case SMALLEST_TP -> tp(config) < tp(chosen);
                    case LARGEST_TP -> tp(config) > tp(chosen);
                };
                chosen = better ? config : chosen;
            }
            losses.add(1 - mean(chosen, "") / best);
        }
        losses.sort(null);
        return losses.isEmpty()
                ? new Choice(0, 0, 0)
                : new Choice(losses.size(), quantile(losses, 0.5), losses.getLast());
    }

    private static double mean(List<Map<String, String>> config, String prefix) {
        return config.stream().mapToDouble(row -> perGpu(row, prefix)).average().orElse(0);
    }

    private static double tp(List<Map<String, String>> config) {
        return number(config.getFirst(), "tp");
    }

    private static Object config(Map<String, String> row) {
        return List.of(layout(row), RowNotes.of(row).args().given());
    }

    private static String group(Map<String, String> row) {
        return List.of(
                        "model",
                        "quant",
                        "gpu",
                        "gpu_count",
                        "input_len",
                        "output_len",
                        "concurrency",
                        "request_rate",
                        "engine_version")
                .stream()
                .map(name -> row.getOrDefault(name, ""))
                .collect(Collectors.joining("|"));
    }

    private static String layout(Map<String, String> row) {
        return row.get("tp") + "/" + row.get("pp") + "/" + row.get("ep") + "/" + row.get("dp");
    }

    private static double perGpu(Map<String, String> row, String prefix) {
        double throughput = number(row, prefix + "output_tok_s");
        if (throughput <= 0) {
            double tpot = number(row, prefix + "tpot_ms_mean");
            throughput = tpot > 0 ? number(row, "concurrency") / tpot : 0;
        }
        return throughput / Math.max(1, number(row, "gpu_count"));
    }

    private static double number(Map<String, String> row, String name) {
        var text = row.getOrDefault(name, "");
        try {
            return text.isEmpty() ? 0 : Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static double quantile(List<Double> sorted, double share) {
        double place = share * (sorted.size() - 1);
        int below = (int) place;
        double next = sorted.get(Math.min(below + 1, sorted.size() - 1));
        return sorted.get(below) + (place - below) * (next - sorted.get(below));
    }
}
