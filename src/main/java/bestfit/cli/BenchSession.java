package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.hardware.GpuSampler;
import bestfit.hardware.GpuSource;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import bestfit.load.LoadGenerator;
import bestfit.metrics.MeasurementSink;
import bestfit.report.BenchReport;
import bestfit.report.LiveMetrics;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One {@code bestfit bench}: prompts, warm-up, run, report; on Ctrl-C the report of what was measured. */
final class BenchSession {
    private final BenchSpec spec;
    private final Problems problems;
    private final Optional<EventsFile> events;
    private final ExportOptions exports;
    private final Extras extras;

    /**
     * What a single run may do besides.
     *
     * @param metricsPort where Prometheus finds it; empty for nowhere
     */
    record Extras(boolean json, boolean calibrate, OptionalInt metricsPort) {}

    /** @param problems found so far; they are told with what else is wrong */
    BenchSession(BenchSpec spec, Problems problems, Optional<EventsFile> events, ExportOptions exports, Extras extras) {
        this.spec = spec;
        this.problems = problems;
        this.events = events;
        this.exports = exports;
        this.extras = extras;
    }

    int run() throws InterruptedException {
        var setup = BenchSetup.of(spec, problems);
        var run = spec.json(setup.target().model());
        var before = events.map(file -> file.before(run)).orElseGet(List::of);
        try (var log = events.map(file -> file.log(run)).orElse(null);
                var live = live(log == null ? _ -> {} : log);
                var generator = LoadGenerator.open();
                var gpus = GpuSampler.start(gpusBehind(setup.target().baseUrl()));
                var stop = BenchStop.listen()) {
            var report = new BenchRun(setup, stop.next(), extras.calibrate()).run(generator, before, live.metrics());
            print(report, gpus);
            exports.write(run, report.measurements(), spec.workload().slo());
            return stop.isStopped() ? ExitCode.STOPPED : report.anySuccess() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    /** What is measured, shown to Prometheus on the way if that was asked for. */
    private record Live(MeasurementSink metrics, @Nullable HttpServer server) implements AutoCloseable {
        @Override
        public void close() {
            if (server != null) {
                server.close();
            }
        }
    }

    private Live live(MeasurementSink next) {
        if (extras.metricsPort().isEmpty()) {
            return new Live(next, null);
        }
        var metrics = new LiveMetrics(next);
        var router = new Router().get("/metrics", exchange -> exchange.text(200, metrics.text()));
        int port = extras.metricsPort().getAsInt();
        try {
            var server = HttpServer.start("127.0.0.1", port, HttpServer.Limits.DEFAULTS, router);
            System.err.println("bestfit: metrics at " + server.url() + "/metrics");
            return new Live(metrics, server);
        } catch (IOException taken) {
            throw new ConfigException("--metrics-port: " + port + " cannot be listened on (" + taken.getMessage()
                    + "); it takes a free port, 0 for any.");
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
        if (extras.json()) {
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
}
