package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.hardware.GpuSampler;
import bestfit.hardware.GpuSource;
import bestfit.load.EventLog;
import bestfit.load.LoadGenerator;
import bestfit.metrics.Measurement;
import bestfit.report.BenchReport;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One {@code bestfit bench}: prompts, warm-up, run, report; on Ctrl-C the report of what was measured. */
final class BenchSession {
    private final BenchSpec spec;
    private final Problems problems;
    private final ExportOptions exports;
    private final boolean json;

    /** @param problems found so far; they are told with what else is wrong */
    BenchSession(BenchSpec spec, Problems problems, ExportOptions exports, boolean json) {
        this.spec = spec;
        this.problems = problems;
        this.exports = exports;
        this.json = json;
    }

    int run() throws InterruptedException {
        var setup = BenchSetup.of(spec, problems);
        var model = setup.target().model();
        var before = before(model);
        try (var generator = LoadGenerator.open();
                var log = log(model);
                var gpus = GpuSampler.start(gpusBehind(setup.target().baseUrl()));
                var stop = BenchStop.listen()) {
            var report = new BenchRun(setup, stop.next()).run(generator, before, log == null ? _ -> {} : log);
            print(report, gpus);
            exports.write(
                    spec.json(model), report.measurements(), spec.workload().slo());
            return stop.isStopped() ? ExitCode.STOPPED : report.anySuccess() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    /** This machine's, when what is measured runs here. */
    private static GpuSource gpusBehind(String url) {
        try {
            return InetAddress.getByName(URI.create(url).getHost()).isLoopbackAddress()
                    ? GpuSource.here(System.getenv())
                    : GpuSource.NONE;
        } catch (UnknownHostException | IllegalArgumentException elsewhere) {
            return GpuSource.NONE;
        }
    }

    private static ObjectNode withGpus(ObjectNode report, GpuSampler gpus) {
        var seen = gpus.summary();
        return seen.isEmpty() ? report : report.set("gpus", seen);
    }

    private void print(BenchReport report, GpuSampler gpus) {
        var defined = exports.defined(report.measurements());
        if (json) {
            var all = withGpus(report.json(), gpus);
            if (defined != null) {
                all.set("by_" + defined.definition().label(), defined.json());
            }
            System.out.println(Json.write(all));
        } else {
            System.out.println(report.text());
            if (defined != null) {
                System.out.println(defined.text());
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
}
