package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.config.Spans;
import bestfit.http.HttpClient;
import bestfit.workload.RecordedWorkload;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit record}: a workload from a live server's own histograms. */
@Command(
        name = "record",
        mixinStandardHelpOptions = true,
        description = "Watches a vLLM server's metrics and prints its load as a workload file; no prompt is read.")
public final class RecordCommand implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final double LOOKS = 120;
    private static final double MOST_SECONDS = 30 * 86_400;

    @Parameters(paramLabel = "METRICS_URL", description = "Such as http://127.0.0.1:8000/metrics.")
    private String url = "";

    @Option(names = "--for", paramLabel = "1h", required = true, description = "How long: 90s, 10m, 1h.")
    private String span = "";

    @Option(
            names = "--closed",
            description = "Write the mean number of requests under way as users, in place of a rate.")
    private boolean closed;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var problems = new Problems();
        Duration length = Duration.ofSeconds(1);
        try {
            length = Spans.parse(span, MOST_SECONDS);
        } catch (ConfigException wrong) {
            problems.add("--for: " + wrong.getMessage());
        }
        MeasureJob.checkUrl(problems, "METRICS_URL", url);
        problems.throwIfAny();
        long start = System.nanoTime();
        double pause = Math.clamp(length.toNanos() / 1e9 / LOOKS, 0.5, 15);
        var looks = new ArrayList<RecordedWorkload.Look>();
        looks.add(look(start));
        System.err.println("bestfit: recording " + url + " for " + span);
        for (double left = left(start, length); left > 0; left = left(start, length)) {
            TimeUnit.NANOSECONDS.sleep((long) (1e9 * Math.min(left, pause)));
            looks.add(look(start));
        }
        System.out.print(RecordedWorkload.of(looks).yaml(url, closed));
        return ExitCode.OK;
    }

    private static double left(long start, Duration length) {
        return (length.toNanos() - (System.nanoTime() - start)) / 1e9;
    }

    private RecordedWorkload.Look look(long start) throws IOException {
        var answer = new HttpClient().get(url, PATIENCE);
        if (answer.status() != 200) {
            throw new ConfigException(
                    url + " answered " + answer.status() + "; it takes the /metrics of a vLLM server.");
        }
        return new RecordedWorkload.Look((System.nanoTime() - start) / 1e9, answer.text());
    }
}
