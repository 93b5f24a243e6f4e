package bestfit.report;

import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Distribution;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The runs of a sweep, one a row. */
public final class BenchTable {
    private BenchTable() {}

    public static String of(List<BenchReport> reports) {
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-12s %10s %10s %10s %10s %10s %10s %8s  %s%n",
                "load",
                "TTFT ms",
                "p99",
                "TPOT ms",
                "E2E ms",
                "tokens/s",
                "requests/s",
                "goodput",
                "verdict"));
        for (var report : reports) {
            var metrics = BenchMetrics.of(report.measurements());
            var times = metrics.times();
            text.append(String.format(
                    Locale.ROOT,
                    "%-12s %10s %10s %10s %10s %10s %10s %8s  %s%n",
                    load(report),
                    time(times.get("ttft_ms"), Distribution::mean),
                    time(times.get("ttft_ms"), Distribution::p99),
                    time(times.get("tpot_ms"), Distribution::mean),
                    time(times.get("e2e_ms"), Distribution::mean),
                    rate(metrics, "output_tok_s"),
                    rate(metrics, "requests_s"),
                    report.slo() == null
                            ? ""
                            : String.format(
                                    Locale.ROOT, "%.1f %%", 100 * report.slo().share(report.measurements())),
                    report.valid() ? "VALID" : "INVALID"));
            report.reasons()
                    .forEach(reason ->
                            text.append("             ").append(reason).append(System.lineSeparator()));
        }
        return text.toString();
    }

    private static String load(BenchReport report) {
        var run = report.run();
        return run.has("rate")
                ? run.get("rate").asString() + "/s"
                : run.path("concurrency").asString("") + " users";
    }

    private static String time(@Nullable Distribution times, ToDoubleFunction<Distribution> figure) {
        return times == null ? "" : String.format(Locale.ROOT, "%.2f", figure.applyAsDouble(times));
    }

    private static String rate(BenchMetrics metrics, String name) {
        var rate = metrics.rates().get(name);
        return rate == null ? "" : String.format(Locale.ROOT, "%.2f", rate.mean());
    }
}
