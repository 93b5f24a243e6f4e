package bestfit.cli;

import bestfit.config.Json;
import bestfit.load.ClosedLoop;
import bestfit.load.LoadPlan;
import bestfit.load.LoadResult;
import bestfit.load.LoadTarget;
import bestfit.load.RequestOptions;
import bestfit.load.StopSignal;
import bestfit.metrics.CompressaMetrics;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.metrics.RequestFailure;
import bestfit.report.CompressaTables;
import bestfit.store.Experiment.Metric;
import bestfit.store.ExperimentStore;
import bestfit.store.StoreException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ArrayNode;

/** One stress test: requests without end, and the metrics of ever longer windows. Used once. */
final class StressSession {
    /** compressa-perf's. */
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofSeconds(5);

    /** What ended with a window is in the database so long after. */
    private static final long SETTLE_MILLIS = 200;

    private final DatabaseOption option;
    private final boolean json;
    private final Duration every;
    private final Optional<Duration> duration;
    private final ArrayNode windows = Json.array();
    private final Map<String, Long> failures = new TreeMap<>();
    private long succeeded;

    StressSession(DatabaseOption option, boolean json, Duration every, Optional<Duration> duration) {
        this.option = option;
        this.json = json;
        this.every = every;
        this.duration = duration;
    }

    int run(MeasureJob job) throws InterruptedException {
        try (var database = option.open();
                var loop = ClosedLoop.open();
                var timer = Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().factory());
                var stop = BenchStop.listen(
                        "the metrics could not be written in time; report ID --recompute makes them.")) {
            var store = new ExperimentStore(database);
            var spec = job.spec();
            long id = store.begin(spec.name(), spec.description(), parameters(job));
            System.err.println("bestfit: stress test, experiment " + id + " of " + database.file()
                    + (duration.isEmpty() ? "; Ctrl-C ends it" : ""));
            var signal = stop.next();
            double start = System.currentTimeMillis() / 1e3;
            var ticking = timer.scheduleAtFixedRate(
                    () -> window(store, id, start),
                    every.toMillis() + SETTLE_MILLIS,
                    every.toMillis(),
                    TimeUnit.MILLISECONDS);
            var ending = duration.map(length -> timer.schedule(signal::stop, length.toMillis(), TimeUnit.MILLISECONDS));
            var result = send(job, loop, counting(store.sink(id)), signal);
            ticking.cancel(false);
            ending.ifPresent(each -> each.cancel(false));
            timer.shutdownNow();
            finish(store, id, result);
            return stop.isStopped() ? ExitCode.STOPPED : succeeded > 0 ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private LoadResult send(MeasureJob job, ClosedLoop loop, MeasurementSink sink, StopSignal signal)
            throws InterruptedException {
        var spec = job.spec();
        var prompts = spec.prompts().source(spec.seed(), LocalDateTime.now(ZoneId.systemDefault()));
        var plan = new LoadPlan(
                prompts, Integer.MAX_VALUE, spec.numRunners(), RequestOptions.asCompressa(spec.maxTokens()));
        return loop.runOn(new LoadTarget(job.nodeUrl(), job.model()), plan, PAUSE_AFTER_FAILURE, sink, signal);
    }

    private MeasurementSink counting(MeasurementSink next) {
        return next.then(measurements -> measurements.forEach(this::count));
    }

    private void count(Measurement measurement) {
        var failure = measurement.failure();
        if (failure == null) {
            succeeded++;
        } else if (failures.merge(RequestFailure.labelOf(failure), 1L, Long::sum) == 1) {
            System.err.println("bestfit: a request failed: " + failure + "; its runner goes on in "
                    + PAUSE_AFTER_FAILURE.toSeconds() + " s. More of this kind are counted.");
        }
    }

    /** compressa-perf's parameters of a stress test, in its order, then what it does not keep. */
    private Map<String, String> parameters(MeasureJob job) {
        var rows = new LinkedHashMap<String, String>();
        rows.put("run_mode", "continuous");
        rows.put("num_workers", Integer.toString(job.spec().numRunners()));
        rows.put("max_tokens", Integer.toString(job.spec().maxTokens()));
        rows.put("report_freq_min", Long.toString(every.toMinutes()));
        rows.put("model_name", job.model());
        rows.put("node_url", job.nodeUrl());
        rows.put("no_sign", "True");
        rows.put("old_sign", "False");
        rows.put("client_architecture", "bestfit");
        rows.put("account_random_selection_enabled", "False");
        rows.put("account_pool_size", "0");
        if (job.accountAddress() != null) {
            rows.put("initial_account_address", job.accountAddress());
        }
        rows.put("report_freq_s", Double.toString(every.toNanos() / 1e9));
        rows.putAll(job.promptParameters());
        return rows;
    }

    /** From the start to the end of this window. */
    private void window(ExperimentStore store, long id, double start) {
        int number = windows.size() + 1;
        double end = start + number * (every.toNanos() / 1e9);
        try {
            var timings = store.timingsUpTo(id, end);
            var metrics = CompressaMetrics.ofTimings(timings);
            store.addWindow(id, number, metrics, CompressaMetrics.tokenCounts(timings));
            var shown = windows.addObject()
                    .put("window", number)
                    .put("seconds", end - start)
                    .putObject("metrics");
            metrics.forEach(shown::put);
            System.err.println(line(number, metrics));
        } catch (StoreException failure) {
            System.err.println("bestfit: the metrics of window " + number + " are not kept: " + failure.getMessage());
        }
    }

    private static String line(int number, Map<String, Double> metrics) {
        if (metrics.isEmpty()) {
            return "[Window " + number + "] no request has ended yet";
        }
        double failed = metrics.getOrDefault("FAILED_REQUESTS", 0.0);
        return metrics.containsKey("TTFT")
                ? String.format(
                        Locale.ROOT,
                        "[Window %d] TTFT=%.3fs, LAT=%.3fs, RPS=%.3f, FAILS=%.0f",
                        number,
                        metrics.get("TTFT"),
                        metrics.get("LATENCY"),
                        metrics.getOrDefault("RPS", 0.0),
                        failed)
                : String.format(Locale.ROOT, "[Window %d] no request has succeeded yet, FAILS=%.0f", number, failed);
    }

    private void finish(ExperimentStore store, long id, LoadResult result) {
        var timings = store.timingsUpTo(id, Double.MAX_VALUE);
        var metrics = CompressaMetrics.ofTimings(timings);
        var known = new LinkedHashMap<String, String>();
        CompressaMetrics.tokenCounts(timings).forEach((key, value) -> known.put(key, value.toString()));
        known.put("client_verdict", result.selfCheck().verdict());
        store.finish(id, metrics, known);
        var experiment = store.find(id).orElseThrow();
        if (!json) {
            var whole = experiment.withMetrics(experiment.metrics().stream()
                    .filter(metric -> !metric.isOfWindow())
                    .toList());
            System.out.println(CompressaTables.report(whole) + MeasureRun.client(result.selfCheck()));
            return;
        }
        var all = Json.object().put("experiment_id", id).put("name", experiment.name());
        all.put("verdict", result.selfCheck().verdict());
        var reasons = all.putArray("reasons");
        result.selfCheck().reasons().forEach(reasons::add);
        var values = all.putObject("metrics");
        experiment.metrics().stream()
                .filter(metric -> !metric.isOfWindow())
                .forEach((Metric each) -> values.put(each.name(), each.value()));
        var counts = all.putObject("counts").put("ok", succeeded);
        var failed = counts.putObject("failed");
        failures.forEach(failed::put);
        all.set("windows", windows);
        System.out.println(Json.write(all));
    }
}
