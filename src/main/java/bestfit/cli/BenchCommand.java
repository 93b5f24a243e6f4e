package bestfit.cli;

import bestfit.config.Problems;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit bench}: measures an engine under a load of a given shape. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description =
                "Measures an OpenAI-compatible server: closed loop (--concurrency), open loop (--rate) or a trace.")
public final class BenchCommand implements Callable<Integer> {
    @Mixin
    private final BenchOptions options = new BenchOptions();

    @Mixin
    private final ExportOptions exports = new ExportOptions();

    @Mixin
    private final EventsOptions events = new EventsOptions();

    @Option(
            names = "--calibrate",
            description = "First measure the client's own error, on a built-in stub under the same load.")
    private boolean calibrate;

    @Option(
            names = "--metrics-port",
            paramLabel = "P",
            description = "While it runs, show what was measured to Prometheus at 127.0.0.1:P/metrics.")
    @Nullable
    private Integer metricsPort;

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        var spec = options.spec(problems);
        events.check(problems);
        exports.check(problems);
        if (metricsPort != null && (metricsPort < 0 || metricsPort > 65_535)) {
            problems.add("--metrics-port: " + metricsPort + " is not allowed; it takes 0 to 65535.");
        }
        var port = metricsPort == null ? OptionalInt.empty() : OptionalInt.of(metricsPort);
        var extras = new BenchSession.Extras(options.json, calibrate, port);
        return new BenchSession(spec, problems, events.whole(), exports, extras).run();
    }
}
