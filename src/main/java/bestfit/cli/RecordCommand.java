package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.config.Spans;
import bestfit.http.HttpClient;
import bestfit.workload.RecordedWorkload;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
    private static final long HEED_NANOS = 200_000_000; // Ctrl-C is heeded within
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
    public Integer call() throws InterruptedException {
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
        long pause = (long) (1e9 * Math.clamp(length.toNanos() / 1e9 / LOOKS, 0.5, 15));
        var looks = new ArrayList<RecordedWorkload.Look>();
        looks.add(first(start));
        long begun = System.nanoTime(); // a slow first answer takes nothing from the recording
        long end = begun + length.toNanos();
        System.err.println("bestfit: recording " + url + " for " + span + "; Ctrl-C ends it and prints what was seen");
        try (var stop = BenchStop.listen("what was recorded could not be told in time.")) {
            for (long due = begun + pause; System.nanoTime() - end < 0 && !stop.isStopped(); due += pause) {
                waitUntil(Math.min(due, end), stop);
                later(start, looks);
            }
            System.out.print(RecordedWorkload.of(looks).yaml(url, closed));
            System.out.flush();
            return stop.isStopped() ? ExitCode.STOPPED : ExitCode.OK;
        } catch (ConfigException nothing) { // told here, for after Ctrl-C nobody else would
            nothing.problems().forEach(problem -> System.err.println("bestfit: " + problem));
            return ExitCode.BAD_INPUT;
        }
    }

    private static void waitUntil(long nanos, BenchStop stop) throws InterruptedException {
        for (long left = nanos - System.nanoTime(); left > 0 && !stop.isStopped(); left = nanos - System.nanoTime()) {
            TimeUnit.NANOSECONDS.sleep(Math.min(left, HEED_NANOS));
        }
    }

    private RecordedWorkload.Look first(long start) {
        try {
            return look(start);
        } catch (IOException e) {
            throw new ConfigException(e.getMessage() + ". Start the server, or correct the URL.");
        }
    }

    /** A server that is away for a while, as for a restart, does not end the recording. */
    private void later(long start, List<RecordedWorkload.Look> looks) {
        try {
            looks.add(look(start));
        } catch (IOException e) {
            System.err.println("bestfit: " + e.getMessage() + "; it is asked again");
        } catch (ConfigException e) {
            System.err.println("bestfit: " + e.getMessage() + " It is asked again.");
        }
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
