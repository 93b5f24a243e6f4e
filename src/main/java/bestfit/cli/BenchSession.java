package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.load.EventLog;
import bestfit.load.LoadGenerator;
import bestfit.load.LoadJob;
import bestfit.load.LoadResult;
import bestfit.load.StopSignal;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.report.BenchReport;
import bestfit.time.NanoClock;
import bestfit.workload.Extent;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One {@code bestfit bench}: prompts, warm-up, run, report; on Ctrl-C the report of what was measured. */
final class BenchSession {
    private static final int WIND_UP_SECONDS = 10;

    private final BenchSpec spec;
    private final Problems problems;
    private final boolean json;
    private final StopSignal stop = new StopSignal();

    /** @param problems found so far; they are told with what else is wrong */
    BenchSession(BenchSpec spec, Problems problems, boolean json) {
        this.spec = spec;
        this.problems = problems;
        this.json = json;
    }

    int run() throws InterruptedException {
        var setup = BenchSetup.of(spec, problems);
        var model = setup.target().model();
        var before = before(model);
        var finished = new CountDownLatch(1);
        var onSignal = new Thread(() -> windUp(finished), "bestfit-stop");
        try (var generator = LoadGenerator.open();
                var log = log(model)) {
            Runtime.getRuntime().addShutdownHook(onSignal);
            warmUp(generator, setup);
            var result = measure(generator, setup, before, log == null ? _ -> {} : log);
            var report = new BenchReport(
                    spec.json(model),
                    BenchReport.joined(before, result.measurements()),
                    result,
                    spec.workload().slo().orElse(null),
                    spec.promptTokens(),
                    setup.template(),
                    spec.users());
            System.out.println(json ? Json.write(report.json()) : report.text());
            return stop.isStopped() ? ExitCode.STOPPED : report.anySuccess() ? ExitCode.OK : ExitCode.FAILED;
        } finally {
            finished.countDown();
            if (!stop.isStopped()) {
                Runtime.getRuntime().removeShutdownHook(onSignal);
            }
        }
    }

    /** What an interrupted run left in its events file. */
    private List<Measurement> before(String model) {
        var events = spec.events();
        if (!spec.resume() || events == null) {
            return List.of();
        }
        var contents = EventLog.read(events);
        if (!contents.run().equals(Json.parse(Json.write(spec.json(model))))) {
            throw new ConfigException("--resume: " + events + " holds another run: " + contents.run() + ".");
        }
        return contents.measurements();
    }

    private @Nullable EventLog log(String model) {
        Path events = spec.events();
        if (events == null) {
            return null;
        }
        return spec.resume() ? EventLog.append(events) : EventLog.create(events, spec.json(model));
    }

    private void warmUp(LoadGenerator generator, BenchSetup setup) throws InterruptedException {
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

    private LoadResult measure(
            LoadGenerator generator, BenchSetup setup, List<Measurement> before, MeasurementSink sink)
            throws InterruptedException {
        var workload = spec.workload();
        var skip = new BitSet();
        before.forEach(m -> skip.set(m.index()));
        var job = new LoadJob(
                setup.body(),
                setup.planned().conversations().count(),
                spec.arrivals(
                        setup.planned(), (int) (before.size() / workload.turns().mean())),
                workload.extent(),
                spec.timeLimits(),
                workload.thinkTime(),
                0,
                skip,
                0);
        int total = workload.extent().mostRequests(0) - before.size();
        var shown = total > 0
                ? new ProgressLine(sink, "", total, System.err, Terminal.onStandardError(), NanoClock.SYSTEM)
                : sink;
        return generator.run(setup.target(), workload.endpoint(), job, shown, stop);
    }

    /** Runs while the JVM goes down: it ends when this returns, so the report is printed first. */
    private void windUp(CountDownLatch finished) {
        stop.cut();
        try {
            if (!finished.await(WIND_UP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("bestfit: the report could not be made in time; the events file holds what ended.");
            }
        } catch (InterruptedException goingDownAnyway) {
            Thread.currentThread().interrupt();
        }
    }
}
