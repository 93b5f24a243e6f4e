package bestfit.cli;

import bestfit.config.Json;
import bestfit.perf.Constants;
import bestfit.perf.Guide;
import bestfit.perf.MemoryModel;
import bestfit.report.Wrapped;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;

/** {@code plan --example guide}: the guide's table, published, predicted, and predicted from its first column alone. */
final class PlanGuide {
    private static final int[][] LAYOUTS = {{8, 1}, {4, 2}, {4, 1}, {2, 4}, {1, 8}};
    private static final List<String> METRICS = List.of("TTFT s", "input tok/s", "output tok/s", "latency s");

    private PlanGuide() {}

    static int print(boolean asJson) {
        var shipped = Constants.shipped();
        var fitted = Guide.calibrated(shipped);
        var json = Json.object();
        var rows = json.putArray("rows");
        if (!asJson) {
            System.out.println("QwQ-32B, FP8 weights, 8 × RTX 4070 Ti SUPER, vLLM 0.8.1 (V0), 10 users");
            System.out.printf(
                    "%-16s %-22s %-13s %10s %10s %13s%n",
                    "layout", "experiment", "metric", "published", "predicted", "from TP8 PP1");
        }
        for (var layout : LAYOUTS) {
            for (var experiment : Guide.Experiment.values()) {
                rows(rows, layout, experiment, shipped, fitted.constants(), asJson);
            }
        }
        var winner = winner(shipped);
        var calibrated = winner(fitted.constants());
        json.put("winner_published", "TP 4 PP 2")
                .put("winner_predicted", winner)
                .put("winner_calibrated", calibrated);
        json.put("residual", fitted.residual());
        if (asJson) {
            System.out.println(Json.write(json));
        } else {
            System.out.printf(
                    Locale.ROOT,
                    "The better of the two that the guide measured: published TP 4 PP 2, predicted %s,%n"
                            + "from TP 8 PP 1 alone %s (the model misses what it was given by %.0f %%)%n",
                    winner,
                    calibrated,
                    100 * fitted.residual());
        }
        return ExitCode.OK;
    }

    private static void rows(
            ArrayNode rows,
            int[] layout,
            Guide.Experiment experiment,
            Constants shipped,
            Constants fitted,
            boolean asJson) {
        int tp = layout[0];
        int pp = layout[1];
        var memory = MemoryModel.of(Guide.config(tp, pp, experiment).instance());
        var plain = Guide.predicted(tp, pp, experiment, shipped);
        var calibrated = Guide.predicted(tp, pp, experiment, fitted);
        var published = experiment.published(tp, pp);
        var title = "TP " + tp + " PP " + pp + " ×" + 8 / (tp * pp);
        if (!asJson) {
            var fits = title + " fits: " + memory.verdict().label() + ", context up to " + memory.longestThatFits()
                    + "; " + memory.reason();
            Wrapped.lines(fits, "  ").forEach(System.out::println);
        }
        for (int i = 0; i < plain.size(); i++) {
            var row = rows.addObject()
                    .put("tp", tp)
                    .put("pp", pp)
                    .put("experiment", experiment.title())
                    .put("metric", METRICS.get(i))
                    .put("predicted", plain.get(i))
                    .put("calibrated", calibrated.get(i))
                    .put("fits", memory.verdict().label())
                    .put("longest_context", memory.longestThatFits());
            if (!published.isEmpty()) {
                row.put("published", published.get(i));
            }
            if (!asJson) {
                System.out.printf(
                        Locale.ROOT,
                        "%-16s %-22s %-13s %10s %10.2f %13.2f%n",
                        title,
                        experiment.title(),
                        METRICS.get(i),
                        published.isEmpty() ? "" : String.format(Locale.ROOT, "%.2f", published.get(i)),
                        plain.get(i),
                        calibrated.get(i));
            }
        }
    }

    /** Of the two measured layouts, by the long experiment's output rate, where they differ. */
    private static String winner(Constants constants) {
        var first = Guide.predicted(8, 1, Guide.Experiment.LONG, constants);
        var second = Guide.predicted(4, 2, Guide.Experiment.LONG, constants);
        return second.get(2) > first.get(2) ? "TP 4 PP 2" : "TP 8 PP 1";
    }
}
