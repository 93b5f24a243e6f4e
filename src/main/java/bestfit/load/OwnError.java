package bestfit.load;

import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Measurement;
import bestfit.metrics.Summary;
import bestfit.workload.Extent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What this client measures too much, seen on a server in this process that knows when it wrote every event. Client and
 * server share the machine, so against a server elsewhere the error is smaller.
 *
 * @param requests that were measured
 * @param streams most at a time
 * @param ttftMeanMillis measured mean less true mean
 * @param ttftP99Millis the same of the 99th percentiles
 * @param tpotMeanMillis as the first
 */
public record OwnError(int requests, int streams, double ttftMeanMillis, double ttftP99Millis, double tpotMeanMillis) {
    private static final TruthServer.Pace PACE = new TruthServer.Pace(50_000_000, 20_000_000, 0, 1);
    private static final int TOKENS = 32;
    private static final int WARM_USERS = 32;
    private static final int ROUNDS = 2;
    private static final Duration OPEN_LOOP = Duration.ofSeconds(3);
    private static final Duration LIMIT = Duration.ofMinutes(1);

    /** Sends as {@code arrivals} tells: two requests of each user, or three seconds of an open loop. */
    public static OwnError measure(LoadGenerator generator, Arrivals arrivals, StopSignal stop)
            throws InterruptedException {
        var extent = switch (arrivals) {
            case Arrivals.Closed closed -> new Extent.Requests(ROUNDS * closed.users());
            case Arrivals.Open _ -> new Extent.Lasting(OPEN_LOOP);
        };
        try (var server = TruthServer.start(0, PACE)) {
            var warm = new Arrivals.Closed(WARM_USERS, Duration.ZERO);
            run(generator, server, warm, new Extent.Requests(ROUNDS * WARM_USERS), stop);
            server.takeLog();
            var measured = run(generator, server, arrivals, extent, stop).stream()
                    .filter(Measurement::succeeded)
                    .toList();
            return of(measured, server.takeLog());
        } catch (IOException e) {
            throw new UncheckedIOException("The load generator could not be calibrated on 127.0.0.1", e);
        }
    }

    private static List<Measurement> run(
            LoadGenerator generator, TruthServer server, Arrivals arrivals, Extent extent, StopSignal stop)
            throws IOException, InterruptedException {
        var body = ("{\"model\":\"" + TruthServer.MODEL + "\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
                        + "\"max_tokens\":" + TOKENS + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}")
                .getBytes(StandardCharsets.UTF_8);
        var job = new LoadJob(
                (_, _) -> Dialogue.single(body, TOKENS),
                extent.mostRequests(Integer.MAX_VALUE),
                arrivals,
                extent,
                new TimeLimits(LIMIT, LIMIT, LIMIT, LIMIT),
                Duration.ZERO,
                0,
                new BitSet(),
                -1);
        return generator
                .run(new LoadTarget(server.url(), TruthServer.MODEL), LoadTarget.CHAT, job, _ -> {}, stop)
                .measurements();
    }

    private static OwnError of(List<Measurement> measured, List<TruthRequest> truth) {
        if (measured.isEmpty() || truth.isEmpty()) {
            return new OwnError(0, 0, Double.NaN, Double.NaN, Double.NaN);
        }
        var ttft = sample(measured, m -> (m.firstTokenNanos() - m.startNanos()) / 1e6);
        var trueTtft = sample(truth, TruthRequest::ttftMillis);
        var tpot = sample(measured, m -> (m.lastTokenNanos() - m.firstTokenNanos()) / 1e6 / (TOKENS - 1));
        return new OwnError(
                measured.size(),
                BenchMetrics.mostInFlight(measured),
                Summary.of(ttft).mean() - Summary.of(trueTtft).mean(),
                Summary.percentile(ttft, 0.99) - Summary.percentile(trueTtft, 0.99),
                Summary.of(tpot).mean()
                        - Summary.of(sample(truth, TruthRequest::tpotMillis)).mean());
    }

    private static <T> double[] sample(List<T> all, ToDoubleFunction<T> figure) {
        return all.stream().mapToDouble(figure).toArray();
    }
}
