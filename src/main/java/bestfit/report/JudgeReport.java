package bestfit.report;

import bestfit.config.Json;
import bestfit.load.ToolRun;
import bestfit.load.TruthRequest;
import bestfit.metrics.Summary;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What one load generator reported beside what the server wrote.
 *
 * @param name that the table shows
 * @param run of the tool
 * @param startupCpuSeconds of a run of one request; NaN if there was none
 * @param truth by the server, of the requests that were answered to the end
 * @param reported by the tool; null if nothing could be read
 */
public record JudgeReport(
        String name,
        ToolRun run,
        double startupCpuSeconds,
        List<TruthRequest> truth,
        @Nullable ResultFile reported) {
    private static final double MIB = 1024 * 1024;

    public ObjectNode json() {
        var json = Json.object().put("tool", name).put("exit", run.exit());
        var errors = json.putObject("error_ms");
        error(errors, "ttft", figure("ttft_ms", "first_response_ms"), TruthRequest::ttftMillis);
        error(errors, "tpot", figure("tpot_ms", "tpot_ms"), TruthRequest::tpotMillis);
        error(errors, "e2e", figure("e2e_ms", "e2e_ms"), TruthRequest::endMillis);
        return json.put("requests", truth.size())
                .put("most_streams_at_once", mostAtOnce())
                .put(
                        "blocked_writes",
                        truth.stream().mapToInt(TruthRequest::blocked).sum())
                .put("cpu_s", rounded(run.cpuSeconds()))
                .put("startup_cpu_s", Double.isNaN(startupCpuSeconds) ? null : rounded(startupCpuSeconds))
                .put("cpu_us_per_event", rounded(cpuPerEvent()))
                .put("peak_memory_mib", rounded(run.peakMemoryBytes() / MIB));
    }

    private @Nullable Figure figure(String name, String otherwise) {
        if (reported == null) {
            return null;
        }
        var figure = reported.figures().get(name);
        return figure == null ? reported.figures().get(otherwise) : figure;
    }

    private void error(
            ObjectNode errors, String name, @Nullable Figure figure, ToDoubleFunction<TruthRequest> truthMillis) {
        double[] wrote =
                truth.stream().mapToDouble(truthMillis).filter(Double::isFinite).toArray();
        if (figure == null || wrote.length == 0) {
            errors.putNull(name);
            return;
        }
        double mean = Arrays.stream(wrote).average().orElseThrow();
        double p99 = Summary.percentile(wrote, 0.99);
        var one = errors.putObject(name)
                .put("mean", rounded(figure.estimate().mean() - mean))
                .put("truth_mean", rounded(mean))
                .put("truth_p99", rounded(p99));
        if (Double.isNaN(figure.p99())) {
            one.putNull("p99");
        } else {
            one.put("p99", rounded(figure.p99() - p99));
        }
    }

    /** Less the cost of a run of one request, where there was one. */
    private double cpuPerEvent() {
        long events = truth.stream().mapToLong(r -> r.eventNanos().length).sum();
        double start = Double.isNaN(startupCpuSeconds) ? 0 : startupCpuSeconds;
        return events == 0 ? 0 : 1e6 * Math.max(0, run.cpuSeconds() - start) / events;
    }

    private int mostAtOnce() {
        long[] starts =
                truth.stream().mapToLong(TruthRequest::arrivalNanos).sorted().toArray();
        long[] ends = truth.stream()
                .mapToLong(r -> r.arrivalNanos() + r.eventNanos()[r.eventNanos().length - 1])
                .sorted()
                .toArray();
        int most = 0;
        int ended = 0;
        for (int started = 0; started < starts.length; started++) {
            while (ended < ends.length && ends[ended] < starts[started]) {
                ended++;
            }
            most = Math.max(most, started + 1 - ended);
        }
        return most;
    }

    private static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }

    /** Several tools as a table of Markdown. */
    public static String text(List<JudgeReport> tools) {
        var text = new StringBuilder("""
                | tool | TTFT error ms, mean / p99 | TPOT error ms | E2E error ms | streams at once | CPU µs an event | start CPU s | peak MiB | exit |
                |---|---|---|---|---|---|---|---|---|
                """);
        for (var tool : tools) {
            var json = tool.json();
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %s / %s | %s | %s | %d | %.1f | %s | %.0f | %d |%n",
                    tool.name(),
                    cell(json, "ttft", "mean"),
                    cell(json, "ttft", "p99"),
                    cell(json, "tpot", "mean"),
                    cell(json, "e2e", "mean"),
                    tool.mostAtOnce(),
                    tool.cpuPerEvent(),
                    Double.isNaN(tool.startupCpuSeconds()) ? "-" : "%.1f".formatted(tool.startupCpuSeconds()),
                    tool.run().peakMemoryBytes() / MIB,
                    tool.run().exit()));
        }
        return text.toString().stripTrailing();
    }

    private static String cell(ObjectNode json, String metric, String what) {
        var value = json.path("error_ms").path(metric).path(what);
        return value.isNumber() ? String.format(Locale.ROOT, "%+.2f", value.asDouble()) : "-";
    }
}
