package bestfit.report;

import bestfit.config.Json;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Distribution;
import bestfit.metrics.Measurement;
import bestfit.metrics.SteadyState;
import bestfit.metrics.Window;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A {@link BenchReport} for a person. */
record BenchText(BenchReport report) {
    private static final int MOST_WINDOWS_SHOWN = 12;

    String text() {
        var text = new StringBuilder(figures()).append(requests());
        report.measurements().stream()
                .map(Measurement::failure)
                .filter(failure -> failure != null)
                .distinct()
                .limit(5)
                .forEach(failure -> text.append("failed: ").append(failure).append(System.lineSeparator()));
        text.append(windows());
        SteadyState.of(report.measurements()).ifPresent(steady -> text.append(steady(steady)));
        report.notes().forEach(note -> text.append(note).append(System.lineSeparator()));
        text.append(client());
        report.reasons()
                .forEach(reason ->
                        text.append(System.lineSeparator()).append("  ").append(reason));
        return text.toString();
    }

    private String figures() {
        var text = new StringBuilder();
        var metrics = BenchMetrics.of(report.measurements());
        text.append(String.format(
                Locale.ROOT, "%-18s %10s %23s %10s %10s %10s%n", "", "mean", "95 % interval", "p50", "p95", "p99"));
        metrics.times()
                .forEach((name, d) -> text.append(String.format(
                        Locale.ROOT,
                        "%-18s %10.2f %11s %11s %10.2f %10.2f %10.2f%n",
                        label(name),
                        d.mean(),
                        cell(d.low()),
                        cell(d.high()),
                        d.p50(),
                        d.p95(),
                        d.p99())));
        metrics.rates()
                .forEach((name, rate) -> text.append(String.format(
                        Locale.ROOT,
                        "%-18s %10.2f %11s %11s%n",
                        label(name),
                        rate.mean(),
                        cell(rate.low()),
                        cell(rate.high()))));
        if (report.slo() != null) {
            text.append(String.format(
                    Locale.ROOT,
                    "goodput            %10.1f %% of %d requests%n",
                    100 * report.slo().share(report.measurements()),
                    report.measurements().size()));
        }
        return text.toString();
    }

    private String requests() {
        var counts = new BenchJson(report).counts();
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "%nrequests %d, ok %d, failed %s; under way %.1f in the mean, %d at most; %.1f s%n",
                report.measurements().size(),
                counts.get("ok").longValue(),
                counts.get("failed").isEmpty() ? "0" : Json.write(counts.get("failed")),
                report.measurements().isEmpty() ? 0 : BenchMetrics.meanInFlight(report.measurements()),
                BenchMetrics.mostInFlight(report.measurements()),
                BenchMetrics.of(report.measurements()).seconds()));
        return text.append("prompt tokens ")
                .append(
                        report.promptTokens().isPresent()
                                ? report.promptTokens().getAsInt() + ""
                                : "of several lengths")
                .append(" and ")
                .append(report.template().isPresent() ? report.template().getAsInt() + "" : "an unknown number")
                .append(" of the chat template")
                .append(System.lineSeparator())
                .toString();
    }

    /** What the client says of itself. */
    private String client() {
        var instrument = new BenchJson(report).instrument();
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "client: sent %.2f ms late (p99), %.1f µs of CPU an event, %.0f %% of a core: %s",
                instrument.get("send_lag_ms").doubleValue(),
                instrument.get("cpu_us_per_event").doubleValue(),
                100 * instrument.get("cpu_share").doubleValue(),
                report.reasons().isEmpty() ? "VALID" : "INVALID"));
        report.surroundings()
                .roundTrip()
                .ifPresent(trip -> text.append(String.format(
                        Locale.ROOT,
                        "%nround trip to the server %.2f ms (least %.2f, jitter %.2f)",
                        trip.meanMillis(),
                        trip.leastMillis(),
                        trip.jitterMillis())));
        report.surroundings()
                .ownError()
                .ifPresent(error -> text.append(String.format(
                        Locale.ROOT,
                        "%nown error on a stub, %d streams: TTFT %+.2f ms (p99 %+.2f), TPOT %+.3f ms",
                        error.streams(),
                        error.ttftMeanMillis(),
                        error.ttftP99Millis(),
                        error.tpotMeanMillis())));
        return text.toString();
    }

    /** How the run went on: evenly chosen windows where there are many. */
    private String windows() {
        var windows = Window.of(report.measurements());
        if (windows.size() < 3) {
            return "";
        }
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "%n%-18s %10s %10s %10s %10s %10s%n",
                "from s",
                "tokens/s",
                "TTFT ms",
                "p95",
                "under way",
                "failed"));
        int shown = Math.min(windows.size(), MOST_WINDOWS_SHOWN);
        for (int i = 0; i < shown; i++) {
            var window = windows.get(i * windows.size() / shown);
            text.append(String.format(
                    Locale.ROOT,
                    "%-18.0f %10.1f %10s %10s %10.1f %10d%n",
                    window.fromSeconds(),
                    window.outputTokensPerSecond(),
                    cell(window.ttftMillis()),
                    cell(window.ttftP95Millis()),
                    window.inFlight(),
                    window.failed()));
        }
        return text + System.lineSeparator();
    }

    private String steady(SteadyState steady) {
        long first = report.measurements().stream()
                .mapToLong(Measurement::startNanos)
                .min()
                .orElse(0);
        var times = BenchMetrics.of(steady.requests()).times();
        return String.format(
                Locale.ROOT,
                "steady %.1f to %.1f s, %d requests: TTFT %s ms, TPOT %s ms, %.1f output tokens/s%n  (%s)%n",
                (steady.fromNanos() - first) / 1e9,
                (steady.toNanos() - first) / 1e9,
                steady.requests().size(),
                mean(times.get("ttft_ms")),
                mean(times.get("tpot_ms")),
                steady.outputTokensPerSecond(report.measurements()),
                SteadyState.RULE);
    }

    private static String mean(@Nullable Distribution times) {
        return times == null ? "-" : cell(times.mean());
    }

    private static String label(String name) {
        return switch (name) {
            case "output_tok_s" -> "output tokens/s";
            case "input_tok_s" -> "input tokens/s";
            case "total_tok_s" -> "all tokens/s";
            case "requests_s" -> "requests/s";
            default -> name.replace("_ms", " ms").replace('_', ' ');
        };
    }

    private static String cell(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.2f", value);
    }
}
