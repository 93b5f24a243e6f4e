package bestfit.report;

import bestfit.config.Json;
import bestfit.tune.CampaignResult;
import bestfit.tune.ConfigJson;
import bestfit.tune.Figures;
import bestfit.tune.GpuRun;
import bestfit.tune.Interval;
import bestfit.tune.Objective;
import bestfit.tune.Outcome;
import bestfit.tune.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The screen that a campaign ends with; at most 100 columns where names allow. Pure. */
final class TuneText {
    private static final int COLUMNS_AT_ONCE = 6;

    private final CampaignResult result;
    private final TuneReport.Setting setting;
    private final List<String> lines = new ArrayList<>();

    TuneText(CampaignResult result, TuneReport.Setting setting) {
        this.result = result;
        this.setting = setting;
    }

    List<String> render() {
        head();
        configs();
        guideTable();
        recommendation();
        foot();
        return lines;
    }

    private void head() {
        add("bestfit " + setting.version() + "   " + setting.server() + "   "
                + (setting.simulated() ? "SIMULATED" : "measured, not simulated"));
        field("workload", result.workload().sentence());
        field(
                "baseline",
                result.baselineOrigin() + " (" + title(result.outcomes().get(result.baseline())) + ")");
        field("objective", result.spec().objective().sentence());
        lines.add("");
        long tried = result.outcomes().stream()
                .filter(each -> each.status() != Outcome.Status.UNTRIED)
                .count();
        add(tried + " configs tried of " + result.outcomes().size() + " that can run"
                + (result.spec().space().rejections().isEmpty() ? "; none left out" : "; left out:"));
        LeftOut.lines(result.spec().space()).forEach(each -> add("  " + each, "    "));
        lines.add("");
    }

    private void configs() {
        var experiments = result.workload().experiments();
        var first = new StringBuilder("    %-22s".formatted("config"));
        var second = new StringBuilder("    %-22s".formatted("TP PP ×inst  limits"));
        for (var experiment : experiments) {
            first.append("%-21s".formatted(experiment.name()));
            second.append("%-10s %-10s".formatted("TTFT s", "out tok/s"));
        }
        lines.add(first + "score against");
        lines.add(second + "baseline          cost  status");
        int row = 1;
        for (var ranked : result.ranking()) {
            lines.add(measured(row++, ranked));
            throttled(result.outcomes().get(ranked.outcome()));
        }
        for (int i = 0; i < result.outcomes().size(); i++) {
            var outcome = result.outcomes().get(i);
            if (outcome.status() != Outcome.Status.MEASURED) {
                row = unmeasured(row, outcome, experiments.size());
            }
        }
        lines.add("");
    }

    private String measured(int row, CampaignResult.Ranked ranked) {
        var outcome = result.outcomes().get(ranked.outcome());
        var figures = outcome.figures().orElseThrow();
        var line = new StringBuilder(name(row, outcome));
        for (var experiment : result.workload().experiments()) {
            line.append("%-10s %-10s"
                    .formatted(
                            figure(figures.interval(experiment.name(), Objective.TTFT)),
                            figure(figures.interval(experiment.name(), Objective.OUTPUT))));
        }
        var standing = ranked.standing();
        boolean reference = ranked.outcome() == result.reference();
        line.append("%-17s".formatted(reference ? " 0 %" : change(standing.overBaseline())));
        line.append("%5.0f s  ".formatted(outcome.seconds()));
        var status = new ArrayList<String>();
        if (row == 1) {
            status.add("best");
        } else if (standing.tiesWithBest()) {
            status.add("tie with 1");
        }
        if (ranked.outcome() == result.baseline()) {
            status.add("baseline");
        }
        // Of a config that is behind anyway, a loss in one metric is no news.
        if (!standing.losses().isEmpty() && (row == 1 || standing.tiesWithBest())) {
            status.add("trade-off");
        }
        return (line + String.join(", ", status)).stripTrailing();
    }

    private void throttled(Outcome outcome) {
        for (var gpu : outcome.gpus()) {
            gpu.throttled()
                    .ifPresent(line ->
                            add("     └ WARNING: " + line + " (deployment " + (gpu.deployment() + 1) + ")", "       "));
        }
    }

    private int unmeasured(int row, Outcome outcome, int experiments) {
        var blank = " ".repeat(21 * experiments + 17);
        var what = outcome.failure()
                .map(failure -> "failed: " + failure.name() + " at " + failure.stage())
                .orElse(result.verdict() == Verdict.STOPPED ? "not tried: stopped before" : "not tried: no time left");
        var cost = outcome.failure().isPresent() ? "%5.0f s  ".formatted(outcome.seconds()) : "         ";
        lines.add(name(row, outcome) + blank + cost + what);
        outcome.failure().ifPresent(failure -> lines.add("     └ " + cut(failure.line(), Wrapped.WIDTH - 7)));
        return row + 1;
    }

    private static String name(int row, Outcome outcome) {
        var layout = outcome.candidate().layout();
        return "%2d  %2d %2d  ×%-4d %-10s "
                .formatted(
                        row,
                        layout.tp(),
                        layout.pp(),
                        layout.instances(),
                        cut(outcome.candidate().limits(), 10))
                .substring(0, 26);
    }

    private static String title(Outcome outcome) {
        return outcome.candidate().title();
    }

    private static String cut(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length - 1) + "…";
    }

    /** Mean and half its interval, with as many digits as the mean deserves. */
    private static String figure(Interval interval) {
        int digits = interval.mean() >= 100 ? 0 : interval.mean() >= 10 ? 1 : interval.mean() >= 1 ? 2 : 3;
        var mean = String.format(Locale.ROOT, "%." + digits + "f", interval.mean());
        if (!Double.isFinite(interval.half())) {
            return mean;
        }
        var half = String.format(Locale.ROOT, "%." + digits + "f", interval.half());
        return mean + "±" + (half.startsWith("0.") ? half.substring(1) : half);
    }

    private static String change(Interval change) {
        var bounds = Double.isFinite(change.low())
                ? " (%+.0f … %+.0f)".formatted(100 * change.low(), 100 * change.high())
                : "";
        return "%+.0f %%".formatted(100 * change.mean()) + bounds;
    }

    /** The guide's comparison: experiments × metrics, a column a config, the best value marked. */
    private void guideTable() {
        var ranking = result.ranking();
        for (int from = 0; from < ranking.size(); from += COLUMNS_AT_ONCE) {
            guideTable(ranking.subList(from, Math.min(from + COLUMNS_AT_ONCE, ranking.size())), from);
        }
    }

    private void guideTable(List<CampaignResult.Ranked> columns, int from) {
        var head = new StringBuilder("    %-20s %-18s".formatted("experiment", "metric"));
        for (int i = 0; i < columns.size(); i++) {
            head.append("%9s ".formatted("config " + (from + i + 1)));
        }
        lines.add(head.toString().stripTrailing());
        for (var experiment : result.workload().experiments()) {
            for (var metric : Objective.METRICS) {
                var line = new StringBuilder("    %-20s %-18s"
                        .formatted(
                                cut(experiment.name() + " " + experiment.shape() + " tokens", 20),
                                metric.replace("_TOKENS", "").replace('_', ' ')));
                double best = best(experiment.name(), metric);
                for (var column : columns) {
                    double value =
                            figures(column).interval(experiment.name(), metric).mean();
                    line.append(value == best ? marked(number(value)) : "%9s ".formatted(number(value)));
                }
                lines.add(line.toString().stripTrailing());
            }
        }
        lines.add("    " + (setting.bold() ? "bold:" : "*") + " best of its row; seconds and tokens per second");
        lines.add("");
    }

    private String marked(String number) {
        return setting.bold() ? "\u001b[1m%9s\u001b[0m ".formatted(number) : "%9s*".formatted(number);
    }

    private double best(String experiment, String metric) {
        var values = result.ranking().stream()
                .mapToDouble(each -> figures(each).interval(experiment, metric).mean());
        return (Objective.higherIsBetter(metric) ? values.max() : values.min()).orElse(Double.NaN);
    }

    private Figures figures(CampaignResult.Ranked ranked) {
        return result.outcomes().get(ranked.outcome()).figures().orElseThrow();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value >= 1000 ? "%.0f" : value >= 10 ? "%.2f" : "%.4f", value);
    }

    private void recommendation() {
        var best = result.recommended();
        if (best.isEmpty()) {
            lines.add(
                    result.verdict() == Verdict.STOPPED
                            ? "Stopped before any config was measured."
                            : "No recommendation: no config could be measured.");
            return;
        }
        add(verdict());
        add(
                "  \"" + best.get().candidate().config().model() + "\": {\"args\": "
                        + spaced(best.get().candidate().config().args().list()) + "}",
                "    ");
        add("  " + instances(best.get()) + ". " + why());
        alternative().ifPresent(this::add);
        lines.add("  apply    " + TuneReport.curl(result, setting));
    }

    private static String spaced(List<String> args) {
        return Json.write(ConfigJson.strings(args)).replace("\",\"", "\", \"");
    }

    private static String instances(Outcome outcome) {
        int count = outcome.candidate().layout().instances();
        return count == 1 ? "1 instance" : count + " instances";
    }

    private String verdict() {
        return switch (result.verdict()) {
            case SURE -> "Recommended, sure (less than 5 % chance that another is better)";
            case TIE -> "Recommended, a tie: it leads, but cannot be told apart from " + ties() + doubt();
            case TRADE_OFF ->
                "Recommended with a trade-off: "
                        + String.join(
                                "; ", result.ranking().getFirst().standing().losses());
            case BUDGET -> "Recommended, not sure: the time given was over";
            case STOPPED -> "Best so far; the campaign was stopped, the same command goes on";
            case NONE -> "No recommendation";
        };
    }

    private String doubt() {
        double regret = result.regret();
        return Double.isFinite(regret)
                ? " (less than 5 %% chance that another is better by more than %.0f %%)"
                        .formatted(Math.ceil(100 * Math.max(regret, 0.01)))
                : "";
    }

    private String ties() {
        var rows = new ArrayList<String>();
        for (int i = 1; i < result.ranking().size(); i++) {
            if (result.ranking().get(i).standing().tiesWithBest()) {
                rows.add(Integer.toString(i + 1));
            }
        }
        return rows.isEmpty()
                ? "another after one deployment each"
                : (rows.size() == 1 ? "row " : "rows ") + String.join(", ", rows);
    }

    private String why() {
        var best = result.ranking().getFirst();
        if (best.outcome() == result.reference()) {
            return result.reference() == result.baseline()
                    ? "It is the baseline itself: nothing tried was better."
                    : "The baseline failed, so there is nothing to compare it with.";
        }
        var reference = result.outcomes().get(result.reference()).figures().orElseThrow();
        return "Against the baseline: "
                + result.workload().experiments().stream()
                        .map(each -> each.name() + " " + changes(figures(best), reference, each.name()))
                        .collect(Collectors.joining("; "))
                + ".";
    }

    private static String changes(Figures best, Figures reference, String experiment) {
        return Objective.METRICS.stream()
                .filter(metric -> !metric.equals(Objective.INPUT))
                .map(metric -> "%s %+.0f %%"
                        .formatted(
                                Objective.words(metric),
                                100
                                        * (best.interval(experiment, metric).mean()
                                                        / reference
                                                                .interval(experiment, metric)
                                                                .mean()
                                                - 1)))
                .collect(Collectors.joining(", "));
    }

    private Optional<String> alternative() {
        return result.safe()
                .filter(safe -> result.verdict() == Verdict.TRADE_OFF
                        && safe.outcome() != result.ranking().getFirst().outcome())
                .map(safe -> "  without that loss: "
                        + spaced(result.outcomes()
                                .get(safe.outcome())
                                .candidate()
                                .config()
                                .args()
                                .list()));
    }

    private void foot() {
        var check = result.check();
        var client = result.ranking().isEmpty()
                ? ""
                : " Client used %.0f %% of a core, sent at most %.1f ms late (95th percentile; worst: %s): %s."
                        .formatted(
                                100 * check.cpuShare(),
                                check.sendLagMillis(),
                                check.worstBlock(),
                                check.valid() ? "VALID" : "INVALID");
        add("  %.0f s.".formatted(result.seconds()) + client + " " + setting.left());
        check.reasons().stream().limit(1).forEach(reason -> add("  INVALID: " + reason));
        if (check.reasons().size() > 1) {
            add("  INVALID for " + (check.reasons().size() - 1) + " more reasons like it; --json tells them all.");
        }
        gpus();
        add("  " + setting.next());
    }

    private void gpus() {
        var all =
                result.outcomes().stream().flatMap(each -> each.gpus().stream()).toList();
        if (all.stream().anyMatch(gpu -> gpu.throttled().isPresent())) {
            add(
                    "  Throttled GPUs make a config look slower than it is: look at cooling and power supply, then measure again with"
                            + " --new.");
        }
        if (!all.isEmpty() && all.stream().noneMatch(GpuRun::tellsClocks)) {
            add("  The node does not tell its GPUs' power and clocks: a throttled GPU would not show.");
        }
        var capped = all.stream()
                .filter(GpuRun::powerCapped)
                .map(gpu -> Integer.toString(gpu.index()))
                .distinct()
                .sorted()
                .toList();
        if (!capped.isEmpty()) {
            add("  At the power cap at times, which is usual under load: GPU " + String.join(", ", capped) + ".");
        }
    }

    private void field(String name, String text) {
        add("%-13s ".formatted(name) + text, " ".repeat(14));
    }

    private void add(String text) {
        add(text, "  ");
    }

    private void add(String text, String indent) {
        lines.addAll(Wrapped.lines(text, indent));
    }
}
