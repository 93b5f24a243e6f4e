package bestfit.report;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.metrics.MeanEstimate.Change;
import bestfit.metrics.RunMeans;
import bestfit.report.ResultFile.Tool;
import bestfit.report.ResultRuns.LeftOut;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.node.ObjectNode;

/**
 * Whether a second result is worse than a first.
 *
 * @param failures how much the share of failed requests is above the first's, absolute; empty where none failed, or one does not tell
 * @param tolerance share by which a figure may differ and still be called the same
 * @param failureTolerance the same for the share of failed requests: runs of one server do not differ by it for no reason
 */
public record ResultComparison(
        ResultRuns a,
        ResultRuns b,
        List<Row> rows,
        Optional<Change> failures,
        double tolerance,
        double failureTolerance) {
    private static final double LEVEL = 0.95;

    /**
     * How far apart two runs of one server may be for no reason that a single run can show: its processes were placed otherwise, the
     * machine had a warmer minute (docs/measurements.md, {@code bench/compare-power}).
     */
    private static final double RUN_TO_RUN = 0.02;

    /** Between several runs a side: runs of one start agree more than starts do, and less is worth no decision. */
    private static final double WORTH_A_WORD = 0.005;

    /**
     * A figure that both have.
     *
     * @param a its mean in the first
     * @param runsOfA that have it
     * @param moreIsBetter true for rates, false for times
     * @param change relative to the first
     */
    public record Row(String name, double a, double b, int runsOfA, int runsOfB, boolean moreIsBetter, Change change) {
        boolean worse(double tolerance) {
            return moreIsBetter ? change.high() < -tolerance : change.low() > tolerance;
        }

        boolean better(double tolerance) {
            return moreIsBetter ? change.low() > tolerance : change.high() < -tolerance;
        }
    }

    /**
     * Intervals wide enough that all hold together with 95 % (Bonferroni), see {@link RunMeans#to}.
     *
     * @param tolerance empty for what runs of one server differ by, if each side is a single one, and half a percent else
     */
    public static ResultComparison of(ResultRuns before, ResultRuns after, OptionalDouble tolerance) {
        var a = before.withoutOdd(after);
        var b = after.withoutOdd(before);
        var means = a.means();
        var others = b.means();
        var shared = new ArrayList<>(means.keySet());
        shared.removeIf(name -> {
            var its = others.get(name);
            var own = Objects.requireNonNull(means.get(name));
            return its == null || own.mean() == 0 || !its.comparableWith(own); // of 0 nothing is a share
        });
        if (shared.contains("ttft_ms")) {
            shared.remove("first_response_ms"); // the sharper of the two is enough
        }
        boolean failed = a.failures().all() > 0
                && b.failures().all() > 0
                && a.failures().and(b.failures()).count() > 0;
        double level = 1 - (1 - LEVEL) / Math.max(1, shared.size() + (failed ? 1 : 0));
        var rows = new ArrayList<Row>();
        for (var name : shared) {
            var first = Objects.requireNonNull(means.get(name));
            var second = Objects.requireNonNull(others.get(name));
            rows.add(new Row(
                    name,
                    first.mean(),
                    second.mean(),
                    first.runs().size(),
                    second.runs().size(),
                    Figure.moreIsBetter(name),
                    first.to(second, level)));
        }
        var comparison = new ResultComparison(
                a,
                b,
                List.copyOf(rows),
                failed ? Optional.of(a.failures().to(b.failures(), level)) : Optional.empty(),
                tolerance.orElse(bothSingle(a, b) ? RUN_TO_RUN : WORTH_A_WORD),
                tolerance.orElse(0));
        if (rows.isEmpty() && !comparison.failsMore()) {
            throw new ConfigException(a.source() + " and " + b.source() + " have no metric in common" + withoutTimes(a)
                    + withoutTimes(b) + ".");
        }
        return comparison;
    }

    private static boolean bothSingle(ResultRuns a, ResultRuns b) {
        return a.count() == 1 && b.count() == 1;
    }

    private static String withoutTimes(ResultRuns result) {
        return result.means().isEmpty()
                ? "; " + result.source() + " has no two successes"
                : result.runs().stream()
                                .flatMap(run -> run.figures().values().stream())
                                .allMatch(figure -> figure.estimate().count() < 2)
                        ? "; of its means " + result.source() + " tells no spread: give several runs a side"
                        : "";
    }

    public boolean regression() {
        return slower() || failsMore();
    }

    private boolean slower() {
        return rows.stream().anyMatch(row -> row.worse(tolerance));
    }

    private boolean failsMore() {
        return failures.filter(change -> change.low() > failureTolerance).isPresent();
    }

    private String verdict() {
        return slower()
                ? "slower"
                : failsMore()
                        ? "fails more"
                        : rows.stream().anyMatch(row -> row.better(tolerance)) ? "faster" : "no difference";
    }

    public ObjectNode json() {
        var json = Json.object().put("verdict", verdict()).put("tolerance", tolerance);
        put(json.putObject("a"), a);
        put(json.putObject("b"), b);
        failures.ifPresent(change -> json.putObject("failed_share")
                .put("difference", change.share())
                .put("low", change.low())
                .put("high", change.high()));
        var metrics = json.putObject("metrics");
        for (var row : rows) {
            metrics.putObject(row.name())
                    .put("mean", row.change().share())
                    .put("low", row.change().low())
                    .put("high", row.change().high())
                    .put("a", row.a())
                    .put("b", row.b())
                    .put("a_runs", row.runsOfA())
                    .put("b_runs", row.runsOfB());
        }
        return json;
    }

    private static void put(ObjectNode json, ResultRuns result) {
        json.put("source", result.source()).put("tool", result.tool().label()).put("runs", result.count());
        result.leftOut()
                .ifPresent(out -> json.putObject("left_out")
                        .put("source", out.run().source())
                        .put("metric", out.figure())
                        .put("value", out.odd().value())
                        .put("others", out.odd().others()));
        if (result.failures().all() > 0) {
            json.put("requests", result.failures().all())
                    .put("failed", result.failures().count());
        }
        if (!result.invalid().isEmpty()) {
            var reasons = json.putArray("invalid");
            result.invalid().forEach(reasons::add);
        }
    }

    public String text() {
        var text = new StringBuilder(
                String.format(Locale.ROOT, "%-18s %12s %12s   %s%n", "", "A", "B", "change with its interval"));
        for (var row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-18s %12.2f %12.2f   %+.1f %% (%+.1f … %+.1f)%s%n",
                    row.name(),
                    row.a(),
                    row.b(),
                    100 * row.change().share(),
                    100 * row.change().low(),
                    100 * row.change().high(),
                    row.worse(tolerance) ? "  slower" : row.better(tolerance) ? "  faster" : ""));
        }
        failures.ifPresent(change -> text.append(String.format(
                Locale.ROOT,
                "%-18s %12s %12s   %+.1f points (%+.1f … %+.1f)%s%n",
                "failed requests",
                a.failures().count() + " of " + a.failures().all(),
                b.failures().count() + " of " + b.failures().all(),
                100 * change.share(),
                100 * change.low(),
                100 * change.high(),
                failsMore() ? "  fails more" : "")));
        for (var row : rows) {
            appendWithout(text, "A", row.name(), row.runsOfA(), a);
            appendWithout(text, "B", row.name(), row.runsOfB(), b);
        }
        a.leftOut().ifPresent(out -> text.append(leftOut("A", out)).append(System.lineSeparator()));
        b.leftOut().ifPresent(out -> text.append(leftOut("B", out)).append(System.lineSeparator()));
        a.invalid()
                .forEach(reason -> text.append("A is INVALID: ").append(reason).append(System.lineSeparator()));
        b.invalid()
                .forEach(reason -> text.append("B is INVALID: ").append(reason).append(System.lineSeparator()));
        if (a.tool() != b.tool()) {
            text.append(toolNote()).append(System.lineSeparator());
        }
        if (bothSingle(a, b) && tolerance > 0) {
            text.append(String.format(
                            Locale.ROOT,
                            "One run does not show how runs differ: what is within %.1f %% is not called. Several a side show it: A1,A2,A3 B1,B2,B3.",
                            100 * tolerance))
                    .append(System.lineSeparator());
        }
        return text.append("B is ")
                .append(
                        switch (verdict()) {
                            case "no difference" -> "not told apart from A: no difference.";
                            case "fails more" ->
                                (rows.isEmpty() ? "without times to compare, and" : "no slower, but")
                                        + " more of its requests fail.";
                            case String word -> word + (failsMore() ? ", and more of its requests fail." : ".");
                        })
                .toString();
    }

    private static void appendWithout(StringBuilder text, String side, String figure, int having, ResultRuns of) {
        int without = of.runs().size() - having;
        if (without > 0) {
            text.append(String.format(Locale.ROOT, "Without %s: %d of the runs of %s.%n", figure, without, side));
        }
    }

    private static String leftOut(String side, LeftOut out) {
        return String.format(
                Locale.ROOT,
                "Left out of %s: %s:%n  its %s is %.2f, where that of the other runs is %.2f. A pause that puts users out of step%n"
                        + "  does that, and a server that is so at times: look at this run by itself.",
                side,
                out.run().source(),
                out.figure(),
                out.odd().value(),
                out.odd().others());
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
