package bestfit.perf;

import bestfit.hardware.ServerSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Recorded steps of a running vLLM as a fit can use them. With asynchronous scheduling the CPU's time for a prompt's step
 * falls into the steps beside it, so steps with prompts are kept as windows from the decode step before to the one after, of
 * which the sum counts; decode steps are pooled with their likes. Pure.
 */
final class StepTable {
    static final List<String> COLUMNS = List.of(
            "model",
            "args",
            "engine_version",
            "window",
            "prefill_tokens",
            "prefill_attention_pairs",
            "decode_requests",
            "context_tokens_sum",
            "elapsed_ms");

    /** Windows kept of one kind: of so many steps, and so many prompt tokens in each. */
    private static final int OF_A_KIND = 3;

    private StepTable() {}

    /** Steps one after another, and how long they took together. */
    record Window(Instance on, List<Step> steps, double seconds) {
        double predicted(Constants constants) {
            var dispatch = new Dispatch(new StepTimeModel(on, constants));
            double now = 0;
            for (var step : steps) {
                now += dispatch.step(step, now).seconds();
            }
            return now;
        }
    }

    private record Timed(Step step, double millis) {}

    static boolean is(List<String> header) {
        return header.containsAll(COLUMNS.subList(4, COLUMNS.size()));
    }

    /**
     * Lines with {@link #COLUMNS} of a table of single steps; its columns model and args may be missing.
     *
     * @param model where the table does not name it
     */
    static List<String> lines(String text, String model, String args, EngineVersion release) {
        var runs = Csv.rows(text).stream()
                .filter(row -> !row.getOrDefault("point", "").equals("warmup"))
                .collect(Collectors.groupingBy(
                        row -> List.of(
                                row.getOrDefault("model", model),
                                row.getOrDefault("args", args),
                                row.getOrDefault("instance", ""),
                                row.getOrDefault("point", "")),
                        LinkedHashMap::new,
                        Collectors.toList()));
        var pools = new TreeMap<String, Map<String, List<List<Timed>>>>();
        runs.forEach((run, rows) -> {
            var of = Csv.write(List.of(run.get(0), run.get(1), release.number()));
            split(rows.stream().map(StepTable::timed).toList())
                    .forEach(window -> pools.computeIfAbsent(of, _ -> new TreeMap<>())
                            .computeIfAbsent(kind(window), _ -> new ArrayList<>())
                            .add(window));
        });
        var lines = new ArrayList<String>();
        pools.forEach((of, kinds) -> kinds.forEach((kind, windows) -> {
            var kept = kind.startsWith("decode") ? List.of(List.of(pooled(windows))) : evenly(windows);
            for (int i = 0; i < kept.size(); i++) {
                for (var each : kept.get(i)) {
                    lines.add(of + "," + line(kind + " " + (i + 1), each));
                }
            }
        }));
        return lines;
    }

    private static Timed timed(Map<String, String> row) {
        return new Timed(step(row), number(row, "elapsed_ms"));
    }

    private static Step step(Map<String, String> row) {
        return new Step(
                number(row, "prefill_tokens"),
                number(row, "prefill_attention_pairs"),
                number(row, "decode_requests"),
                number(row, "context_tokens_sum"));
    }

    private static double number(Map<String, String> row, String name) {
        return Double.parseDouble(row.getOrDefault(name, "0"));
    }

    private static List<List<Timed>> split(List<Timed> steps) {
        var windows = new ArrayList<List<Timed>>();
        for (int at = 0; at < steps.size(); ) {
            var window = new ArrayList<Timed>();
            window.add(steps.get(at++));
            boolean prompts = window.getFirst().step().prefillTokens() > 0;
            while (at < steps.size() && (prompts || steps.get(at).step().prefillTokens() > 0)) {
                prompts = steps.get(at).step().prefillTokens() > 0;
                window.add(steps.get(at++));
            }
            windows.add(window);
        }
        return windows;
    }

    private static String kind(List<Timed> window) {
        var prompts =
                window.stream().mapToDouble(each -> each.step().prefillTokens()).filter(each -> each > 0);
        var of = prompts.summaryStatistics();
        var first = window.getFirst().step();
        return of.getCount() == 0
                ? "decode " + octave(2, first.decodes()) + " " + octave(2, first.contextTokens())
                : "prompts " + octave(1, (double) of.getCount()) + " " + octave(1, of.getAverage());
    }

    private static long octave(int parts, double value) {
        return Math.round(parts * Math.log(Math.max(1, value)) / Math.log(2));
    }

    /** The mean step, and the median time, which a stall does not move. */
    private static Timed pooled(List<List<Timed>> windows) {
        var all = windows.stream().map(List::getFirst).toList();
        var times = all.stream().mapToDouble(Timed::millis).sorted().toArray();
        double decodes = all.stream()
                .mapToDouble(each -> each.step().decodes())
                .average()
                .orElse(0);
        double context = all.stream()
                .mapToDouble(each -> each.step().contextTokens())
                .average()
                .orElse(0);
        return new Timed(new Step(0, 0, decodes, context), times[times.length / 2]);
    }

    private static List<List<Timed>> evenly(List<List<Timed>> windows) {
        int kept = Math.min(OF_A_KIND, windows.size());
        var chosen = new ArrayList<List<Timed>>();
        for (int i = 0; i < kept; i++) {
            chosen.add(windows.get(kept == 1 ? 0 : i * (windows.size() - 1) / (kept - 1)));
        }
        return chosen;
    }

    private static String line(String window, Timed each) {
        var step = each.step();
        return String.format(
                Locale.ROOT,
                "%s,%.0f,%.0f,%.1f,%.0f,%.3f",
                window,
                step.prefillTokens(),
                step.prefillPairs(),
                step.decodes(),
                step.contextTokens(),
                each.millis());
    }

    /** Windows of rows with {@link #COLUMNS}. */
    static List<Window> windows(List<Map<String, String>> rows, ServerSpec server) {
        return rows.stream()
                .collect(Collectors.groupingBy(
                        row -> List.of(
                                row.getOrDefault("model", ""),
                                row.getOrDefault("args", ""),
                                row.getOrDefault("engine_version", ""),
                                row.getOrDefault("window", "")),
                        LinkedHashMap::new,
                        Collectors.toList()))
                .values()
                .stream()
                .map(of -> new Window(
                        StartLog.instance(of.getFirst(), server),
                        of.stream().map(StepTable::step).toList(),
                        of.stream()
                                        .mapToDouble(row -> number(row, "elapsed_ms"))
                                        .sum()
                                * 1e-3))
                .toList();
    }
}
