package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.config.Spans;
import bestfit.workload.ExperimentSpec;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit stress}: compressa-perf's command of that name. */
@Command(
        name = "stress",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer =
                "  bestfit stress --no-sign --node_url http://127.0.0.1:5000 --model_name tiny --experiment_name night --generate_prompts --num_runners 4 --duration 8h",
        description = {
            "Sends requests until Ctrl-C, as compressa-perf does, and keeps the metrics of the time from the start to the end of each"
                    + " window (metric names end in _window_K).",
            "After a failure a runner waits 5 s; a server that went away is tried again."
        })
public final class StressCommand implements Callable<Integer> {
    private static final double LEAST_MINUTES = 0.001;
    private static final double MOST_MINUTES = 7 * 24 * 60;
    private static final double LONGEST_SECONDS = 366.0 * 86_400;

    @Mixin
    private MeasureOptions options = new MeasureOptions();

    @Option(
            names = {"--report_freq_min", "--report-freq-min"},
            paramLabel = "MIN",
            description = "Minutes from window to window (default: ${DEFAULT-VALUE}).")
    private double minutes = 1;

    @Option(
            names = {"--account-pool-size", "--account_pool_size"},
            hidden = true)
    private int accounts = 1;

    @Option(names = "--duration", paramLabel = "8h", description = "End after so long (default: at Ctrl-C).")
    @Nullable
    private String duration;

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        if (!(minutes >= LEAST_MINUTES && minutes <= MOST_MINUTES)) {
            problems.add("--report_freq_min: " + minutes + " is not allowed; it takes minutes, " + LEAST_MINUTES
                    + " to " + (int) MOST_MINUTES + ".");
        }
        if (accounts != 1) {
            problems.add("--account-pool-size: " + accounts + SigningOptions.NOT_SUPPORTED);
        }
        Optional<Duration> end = Optional.empty();
        try {
            end = Optional.ofNullable(duration).map(text -> Spans.parse(text, LONGEST_SECONDS));
        } catch (ConfigException wrong) {
            problems.add("--duration: " + wrong.getMessage());
        }
        var job = options.job(problems, ExperimentSpec.MOST_TASKS);
        problems.throwIfAny();
        var every = Duration.ofNanos((long) (minutes * 60e9));
        return new StressSession(options.database, options.json, every, end).run(job);
    }
}
