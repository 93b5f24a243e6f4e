package bestfit.cli;

import bestfit.load.ClosedLoop;
import bestfit.load.LoadPlan;
import bestfit.load.LoadTarget;
import bestfit.load.RequestOptions;
import bestfit.load.SelfCheck;
import bestfit.load.StopSignal;
import bestfit.metrics.CompressaMetrics;
import bestfit.metrics.Measurement;
import bestfit.report.CompressaTables;
import bestfit.store.ExperimentStore;
import bestfit.time.NanoClock;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Locale;

/** Measures experiments one after another, keeps each and says how it goes. */
final class MeasureRun {
    private final ExperimentStore store;
    private final ClosedLoop loop;
    private final StopSignal stop;

    MeasureRun(ExperimentStore store, ClosedLoop loop, StopSignal stop) {
        this.store = store;
        this.loop = loop;
        this.stop = stop;
    }

    /** Sends the experiment's requests; what was measured is kept even if this does not return. */
    MeasureOutcome measure(MeasureJob job) throws InterruptedException {
        var spec = job.spec();
        var prompts = spec.prompts().source(spec.seed(), LocalDateTime.now(ZoneId.systemDefault()));
        long id = store.begin(spec.name(), spec.description(), job.parameters());
        var sink = new ProgressLine(store.sink(id), spec.name(), spec.numTasks(), NanoClock.SYSTEM);
        var plan =
                new LoadPlan(prompts, spec.numTasks(), spec.numRunners(), RequestOptions.asCompressa(spec.maxTokens()));
        var result = loop.run(new LoadTarget(job.nodeUrl(), job.model()), plan, sink, stop);
        var metrics = CompressaMetrics.of(result.measurements());
        var known = new LinkedHashMap<String, String>();
        CompressaMetrics.tokenCounts(
                        result.measurements().stream().map(Measurement::timing).toList())
                .forEach((key, value) -> known.put(key, value.toString()));
        known.put("client_verdict", result.selfCheck().verdict());
        store.finish(id, metrics, known);
        return new MeasureOutcome(id, spec.name(), result, metrics);
    }

    /** The report that compressa-perf prints after a run, and what it does not say. */
    String report(MeasureOutcome outcome) {
        var text = new StringBuilder(
                CompressaTables.report(store.find(outcome.experimentId()).orElseThrow()));
        text.append(client(outcome.result().selfCheck()));
        outcome.failures().stream()
                .limit(5)
                .forEach(failure ->
                        text.append(System.lineSeparator()).append("Failed: ").append(failure));
        return text.toString();
    }

    /** What the client says of itself, after an empty line. */
    static String client(SelfCheck check) {
        var text = new StringBuilder(System.lineSeparator())
                .append(String.format(
                        Locale.ROOT,
                        "%nClient: %s. It used %.0f %% of a core, sent %.2f ms late (95th percentile) and read %.2f ms late (mean).",
                        check.verdict(),
                        100 * check.cpuShare(),
                        check.sendLagMillis(),
                        check.readLagMillis()));
        check.reasons()
                .forEach(reason ->
                        text.append(System.lineSeparator()).append("  ").append(reason));
        return text.toString();
    }
}
