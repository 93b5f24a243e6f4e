package bestfit.cli;

import bestfit.load.LoadGenerator;
import bestfit.load.LoadJob;
import bestfit.load.LoadResult;
import bestfit.load.OwnError;
import bestfit.load.RoundTrip;
import bestfit.load.ServerWatch;
import bestfit.load.StopSignal;
import bestfit.load.Surroundings;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.report.BenchReport;
import bestfit.time.NanoClock;
import bestfit.workload.Extent;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Warm-up and run of one workload, and what is to be reported of it.
 *
 * @param stop ends it
 * @param calibrate first measures the client's own error under the same load
 */
record BenchRun(BenchSetup setup, StopSignal stop, boolean calibrate) {
    BenchRun(BenchSetup setup, StopSignal stop) {
        this(setup, stop, false);
    }

    /**
     * @param before measured before an interruption
     * @param sink takes every measurement as its request ends
     */
    BenchReport run(LoadGenerator generator, List<Measurement> before, MeasurementSink sink)
            throws InterruptedException {
        var ownError = calibrate
                ? Optional.of(OwnError.measure(generator, setup.spec().arrivals(setup.planned(), 0), stop))
                : Optional.<OwnError>empty();
        var rest = new Remainder(setup, before);
        var surroundings = new Surroundings(RoundTrip.to(setup.target()), ownError);
        if (!rest.isNothing()) {
            warmUp(generator);
        }
        var watch = ServerWatch.start(setup.target());
        LoadResult result;
        Optional<ServerWatch.Seen> seen;
        try {
            result = measure(generator, rest, sink);
            seen = watch == null ? Optional.empty() : watch.seen();
        } finally {
            if (watch != null) {
                watch.close();
            }
        }
        var spec = setup.spec();
        return new BenchReport(
                spec.json(setup.target().model()),
                BenchReport.joined(before, result.measurements()),
                result,
                spec.workload().slo().orElse(null),
                spec.promptTokens(),
                setup.template(),
                spec.users(),
                spec.percentile(),
                seen,
                spec.sharesPrefixes(),
                surroundings);
    }

    private void warmUp(LoadGenerator generator) throws InterruptedException {
        var spec = setup.spec();
        int count = spec.workload().warmup();
        if (count > 0) {
            var job = new LoadJob(
                    setup.warmupBody(),
                    setup.planned().conversations().count(),
                    spec.arrivals(setup.planned(), 0),
                    new Extent.Requests(count),
                    spec.timeLimits(),
                    spec.workload().thinkTime(),
                    0,
                    new BitSet(),
                    -1);
            generator.run(setup.target(), spec.workload().endpoint(), job, _ -> {}, stop);
        }
    }

    private LoadResult measure(LoadGenerator generator, Remainder rest, MeasurementSink sink)
            throws InterruptedException {
        var spec = setup.spec();
        var workload = spec.workload();
        var job = new LoadJob(
                setup.body(),
                setup.planned().conversations().count(),
                spec.arrivals(setup.planned(), rest.firstDue()),
                rest.extent(),
                spec.timeLimits(),
                workload.thinkTime(),
                0,
                rest.done(),
                0);
        int total = workload.extent().mostRequests(0) - rest.before().size();
        var shown = total > 0 ? new ProgressLine(sink, "", total, NanoClock.SYSTEM) : sink;
        return generator.run(setup.target(), workload.endpoint(), job, shown, stop);
    }
}
