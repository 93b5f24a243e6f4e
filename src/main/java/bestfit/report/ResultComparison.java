package bestfit.report;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.metrics.MeanEstimate.Change;
import bestfit.report.ResultFile.Tool;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import tools.jackson.databind.node.ObjectNode;

/**
 * Whether a second result is worse than a first.
 *
 * @param tolerance share by which a figure may differ and still be called the same
 */
public record ResultComparison(ResultFile a, ResultFile b, List<Row> rows, double tolerance) {
    private static final double LEVEL = 0.95;

    /**
     * How far apart two runs of one server may be for no reason that a single run can show: its processes were placed otherwise, the
     * machine had a warmer minute (docs/measurements.md, {@code bench/compare-power}).
     */
    private static final double RUN_TO_RUN = 0.02;

    /** A figure that both have; the change is relative to the first. */
    public record Row(String name, Figure a, Figure b, Change change) {
        boolean worse(double tolerance) {
            return a.moreIsBetter() ? change.high() < -tolerance : change.low() > tolerance;
        }

        boolean better(double tolerance) {
            return a.moreIsBetter() ? change.low() > tolerance : change.high() < -tolerance;
        }
    }

    /**
     * Intervals by Welch's t, wide enough that all hold together with 95 % (Bonferroni).
     *
     * @param tolerance empty for none between several runs a side, and for what runs differ by where a side has one
     */
    public static ResultComparison of(ResultFile a, ResultFile b, OptionalDouble tolerance) {
        var shared = new ArrayList<>(a.figures().keySet());
        shared.retainAll(b.figures().keySet());
        shared.removeIf(name -> !hasSpread(a, name) || !hasSpread(b, name));
        if (shared.contains("ttft_ms")) {
            shared.remove("first_response_ms"); // the sharper of the two is enough
        }
        if (shared.isEmpty()) {
            throw new ConfigException(a.source() + " and " + b.source() + " have no metric in common.");
        }
        double level = 1 - (1 - LEVEL) / shared.size();
        var rows = new ArrayList<Row>();
        for (var name : shared) {
            var first = a.figures().get(name);
            var second = b.figures().get(name);
            if (first != null && second != null) {
                rows.add(new Row(name, first, second, first.estimate().to(second.estimate(), level)));
            }
        }
        return new ResultComparison(
                a, b, List.copyOf(rows), tolerance.orElse(Math.min(a.runs(), b.runs()) > 1 ? 0 : RUN_TO_RUN));
    }

    private static boolean hasSpread(ResultFile result, String name) {
        var figure = result.figures().get(name);
        return figure != null && figure.estimate().count() > 1;
    }

    public boolean regression() {
        return rows.stream().anyMatch(row -> row.worse(tolerance));
    }

    private String verdict() {
        return regression()
                ? "slower"
                : rows.stream().anyMatch(row -> row.better(tolerance)) ? "faster" : "no difference";
    }

    public ObjectNode json() {
        var json = Json.object().put("verdict", verdict()).put("tolerance", tolerance);
        json.putObject("a").put("source", a.source()).put("tool", a.tool().label());
        json.putObject("b").put("source", b.source()).put("tool", b.tool().label());
        var metrics = json.putObject("metrics");
        for (var row : rows) {
            metrics.putObject(row.name())
                    .put("mean", row.change().share())
                    .put("low", row.change().low())
                    .put("high", row.change().high())
                    .put("a", row.a().estimate().mean())
                    .put("b", row.b().estimate().mean());
        }
        return json;
    }

    public String text() {
        var text = new StringBuilder(
                String.format(Locale.ROOT, "%-18s %12s %12s   %s%n", "", "A", "B", "change with its interval"));
        for (var row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-18s %12.2f %12.2f   %+.1f %% (%+.1f … %+.1f)%s%n",
                    row.name(),
                    row.a().estimate().mean(),
                    row.b().estimate().mean(),
                    100 * row.change().share(),
                    100 * row.change().low(),
                    100 * row.change().high(),
                    row.worse(tolerance) ? "  slower" : row.better(tolerance) ? "  faster" : ""));
        }
        if (a.tool() != b.tool()) {
            text.append(toolNote()).append(System.lineSeparator());
        }
        if (Math.min(a.runs(), b.runs()) == 1 && tolerance > 0) {
            text.append(String.format(
                            Locale.ROOT,
                            "One run does not show how runs differ: what is within %.1f %% is not called. Several a side show it: A1,A2,A3 B1,B2,B3.",
                            100 * tolerance))
                    .append(System.lineSeparator());
        }
        return text.append("B is ")
                .append(verdict().equals("no difference") ? "not told apart from A: no difference" : verdict())
                .append('.')
                .toString();
    }

    private String toolNote() {
        boolean role = a.tool() == Tool.VLLM
                || b.tool() == Tool.VLLM
                || a.tool() == Tool.COMPRESSA
                || b.tool() == Tool.COMPRESSA;
        return "A is of " + a.tool().label() + ", B of " + b.tool().label()
                + ": a difference may be the tools' and not the servers'."
                + (role ? " The TTFT of vllm and compressa-perf ends with the first chunk, be it empty." : "");
    }
}
