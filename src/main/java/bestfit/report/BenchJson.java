package bestfit.report;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.config.Json;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Distribution;
import bestfit.metrics.Measurement;
import bestfit.metrics.RequestFailure;
import bestfit.metrics.SteadyState;
import bestfit.metrics.Summary;
import bestfit.metrics.Window;
import java.util.TreeMap;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A {@link BenchReport} for programs: one object, its names stable. */
record BenchJson(BenchReport report) {
    /** One object, its names stable. */
    ObjectNode json() {
        var reasons = report.reasons();
        var json = Json.object().put("verdict", reasons.isEmpty() ? "VALID" : "INVALID");
        var list = json.putArray("reasons");
        reasons.forEach(list::add);
        var notes = json.putArray("notes");
        report.notes().forEach(notes::add);
        json.set("run", report.run());
        json.set("metrics", metrics());
        json.set("counts", counts());
        json.set("instrument", instrument());
        json.set("windows", windows());
        SteadyState.of(report.measurements()).ifPresent(steady -> json.set("steady", json(steady)));
        report.reconciled().filter(Reconciliation::whole).ifPresent(both -> json.set("server", both.json()));
        return json;
    }

    private ArrayNode windows() {
        var list = Json.array();
        for (var window : Window.of(report.measurements())) {
            var one = list.addObject()
                    .put("from_s", window.fromSeconds())
                    .put("seconds", rounded(window.seconds()))
                    .put("ok", window.ok())
                    .put("failed", window.failed())
                    .put("in_flight", rounded(window.inFlight()))
                    .put("output_tok_s", rounded(window.outputTokensPerSecond()));
            if (!Double.isNaN(window.ttftMillis())) {
                one.put("ttft_ms", rounded(window.ttftMillis())).put("ttft_ms_p95", rounded(window.ttftP95Millis()));
            }
        }
        return list;
    }

    private ObjectNode json(SteadyState steady) {
        long first = report.measurements().stream()
                .mapToLong(Measurement::startNanos)
                .min()
                .orElse(0);
        var json = Json.object()
                .put("rule", SteadyState.RULE)
                .put("from_s", rounded((steady.fromNanos() - first) / 1e9))
                .put("to_s", rounded((steady.toNanos() - first) / 1e9))
                .put("requests", steady.requests().size())
                .put("output_tok_s", rounded(steady.outputTokensPerSecond(report.measurements())));
        BenchMetrics.of(steady.requests()).times().forEach((name, d) -> json.set(name, json(d)));
        return json;
    }

    private ObjectNode metrics() {
        var metrics = BenchMetrics.of(report.measurements());
        var json = Json.object();
        metrics.times().forEach((name, d) -> json.set(name, json(d)));
        metrics.rates().forEach((name, rate) -> {
            var one = json.putObject(name).put("mean", rounded(rate.mean()));
            interval(one, rate.low(), rate.high());
        });
        if (report.slo() != null) {
            double share = report.slo().share(report.measurements());
            json.putObject("goodput")
                    .put("share", rounded(share))
                    .put("requests_s", rounded(share * report.measurements().size() / metrics.seconds()));
        }
        if (!report.measurements().isEmpty()) {
            json.putObject("in_flight")
                    .put("mean", rounded(BenchMetrics.meanInFlight(report.measurements())))
                    .put("max", BenchMetrics.mostInFlight(report.measurements()));
        }
        return json.put("duration_s", rounded(metrics.seconds()));
    }

    private static ObjectNode json(Distribution d) {
        var json = Json.object().put("mean", rounded(d.mean()));
        interval(json, d.low(), d.high());
        return json.put("min", rounded(d.min()))
                .put("p50", rounded(d.p50()))
                .put("p90", rounded(d.p90()))
                .put("p95", rounded(d.p95()))
                .put("p99", rounded(d.p99()))
                .put("max", rounded(d.max()))
                .put("n", d.count());
    }

    private static void interval(ObjectNode json, double low, double high) {
        if (Double.isNaN(low)) {
            json.putNull("low").putNull("high");
        } else {
            json.put("low", rounded(low)).put("high", rounded(high));
        }
    }

    private static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }

    ObjectNode counts() {
        var failed = new TreeMap<String, Integer>();
        for (var m : report.measurements()) {
            var failure = m.failure();
            if (failure != null) {
                failed.merge(
                        RequestFailure.of(failure)
                                .map(RequestFailure::label)
                                .orElse("other")
                                .replace(' ', '_'),
                        1,
                        Integer::sum);
            }
        }
        var json = Json.object()
                .put("requests", report.measurements().size())
                .put(
                        "ok",
                        report.measurements().stream()
                                .filter(Measurement::succeeded)
                                .count());
        var byKind = json.putObject("failed");
        failed.forEach(byKind::put);
        json.put(
                "waited_for_a_place",
                report.measurements().stream().filter(this::waited).count());
        var tokens = json.putObject("tokens");
        report.promptTokens().ifPresentOrElse(count -> tokens.put("prompt", count), () -> tokens.putNull("prompt"));
        report.template().ifPresentOrElse(count -> tokens.put("template", count), () -> tokens.putNull("template"));
        return tokens.isEmpty()
                ? json
                : json.put("input_tokens", sum(Measurement::inputTokens))
                        .put("output_tokens", sum(Measurement::outputTokens));
    }

    /** Open loop with a cap: it was due while too many were under way. */
    private boolean waited(Measurement m) {
        return report.users().isEmpty() && m.startNanos() - m.intendedNanos() > 10_000_000;
    }

    private long sum(java.util.function.ToIntFunction<Measurement> tokens) {
        return report.measurements().stream()
                .filter(Measurement::succeeded)
                .mapToLong(m -> tokens.applyAsInt(m))
                .sum();
    }

    ObjectNode instrument() {
        var check = report.result().selfCheck();
        var effort = report.result().effort();
        var lags = sendLags();
        long events = report.result().measurements().stream()
                .mapToLong(m -> m.chunks().count())
                .sum();
        var json = Json.object()
                .put("send_lag_ms", lags.length == 0 ? 0 : rounded(Summary.percentile(lags, 0.99)))
                .put("send_lag_ms_p50", lags.length == 0 ? 0 : rounded(Summary.percentile(lags, 0.5)))
                .put("read_lag_ms", Double.isNaN(check.readLagMillis()) ? 0 : rounded(check.readLagMillis()))
                .put("arrival_stamps", effort.kernelStamps() ? "kernel" : "read")
                .put("rests", effort.rests())
                .put("loop_lag_ms", rounded(effort.lagMillis()))
                .put("longest_lag_ms", rounded(effort.longestLagMillis()))
                .put("suspended_ms", rounded(effort.suspendedMillis()))
                .put("gc_ms", rounded(effort.gcMillis()))
                .put("cpu_wait_ms", Double.isNaN(effort.waitMillis()) ? 0 : rounded(effort.waitMillis()))
                .put("cpu_us_per_event", events == 0 ? 0 : rounded(1e6 * effort.cpuSeconds() / events))
                .put("cpu_share", rounded(effort.cpuShare()))
                .put("events", events);
        report.surroundings()
                .roundTrip()
                .ifPresent(trip -> json.putObject("round_trip_ms")
                        .put("least", rounded(trip.leastMillis()))
                        .put("mean", rounded(trip.meanMillis()))
                        .put("jitter", rounded(trip.jitterMillis())));
        report.surroundings()
                .ownError()
                .ifPresent(error -> json.putObject("own_error_ms")
                        .put("ttft_mean", rounded(error.ttftMeanMillis()))
                        .put("ttft_p99", rounded(error.ttftP99Millis()))
                        .put("tpot_mean", rounded(error.tpotMeanMillis()))
                        .put("requests", error.requests())
                        .put("streams", error.streams()));
        return json;
    }

    private double[] sendLags() {
        return report.result().measurements().stream()
                .filter(m -> m.sentNanos() != NEVER && !waited(m))
                .mapToDouble(m -> (m.sentNanos() - m.intendedNanos()) / 1e6)
                .toArray();
    }
}
