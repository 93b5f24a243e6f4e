package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The metrics of {@code bestfit bench}, from the successes among the measurements; docs/how-to/bench.md tells each
 * definition. Times are in milliseconds.
 */
public final class BenchMetrics {
    /** Windows of equal length that a rate's interval is made from. */
    public static final int WINDOWS = 10;

    private final List<Measurement> successes;
    private final double seconds;

    private BenchMetrics(List<Measurement> successes, double seconds) {
        this.successes = successes;
        this.seconds = seconds;
    }

    /** Of measurements that share one clock. */
    public static BenchMetrics of(List<Measurement> all) {
        var successes = all.stream()
                .filter(m -> m.succeeded() && m.firstTokenNanos() != NEVER)
                .toList();
        long first = all.stream().mapToLong(Measurement::startNanos).min().orElse(0);
        long last = all.stream().mapToLong(Measurement::endNanos).max().orElse(0);
        return new BenchMetrics(successes, Math.max(1, last - first) / 1e9);
    }

    /** From the first request's start to the last one's end. */
    public double seconds() {
        return seconds;
    }

    public boolean anySuccess() {
        return !successes.isEmpty();
    }

    /** @throws IllegalArgumentException without a success */
    public Distribution ttftMillis() {
        return of(m -> m.firstTokenNanos() - m.startNanos());
    }

    /** @throws IllegalArgumentException without a success */
    public Distribution e2eMillis() {
        return of(m -> m.endNanos() - m.startNanos());
    }

    /** Distributions by name; empty without a success. Each call goes through all gaps anew, of which there may be millions. */
    public SequencedMap<String, Distribution> times() {
        var times = new LinkedHashMap<String, Distribution>();
        if (successes.isEmpty()) {
            return times;
        }
        times.put("ttft_ms", ttftMillis());
        var answered =
                successes.stream().filter(m -> m.firstAnswerNanos() != NEVER).toList();
        if (answered.stream().anyMatch(m -> m.firstAnswerNanos() != m.firstTokenNanos())) {
            times.put(
                    "first_answer_ms",
                    Distribution.of(answered.stream()
                            .mapToDouble(m -> (m.firstAnswerNanos() - m.startNanos()) / 1e6)
                            .toArray()));
        }
        times.put("first_response_ms", of(m -> firstResponse(m) - m.startNanos()));
        var several = successes.stream().filter(m -> m.outputTokens() > 1).toList();
        if (!several.isEmpty()) {
            times.put(
                    "tpot_ms",
                    Distribution.of(several.stream()
                            .mapToDouble(m -> (m.lastTokenNanos() - m.firstTokenNanos()) / 1e6 / (m.outputTokens() - 1))
                            .toArray()));
        }
        addGaps(times);
        times.put("e2e_ms", e2eMillis());
        times.put("queue_ms", of(m -> m.startNanos() - m.intendedNanos()));
        return times;
    }

    private static long firstResponse(Measurement m) {
        return m.firstContentNanos() == NEVER
                ? m.firstTokenNanos()
                : Math.min(m.firstContentNanos(), m.firstTokenNanos());
    }

    /** Gaps between chunks as they came, the same per token, and each request's largest. */
    private void addGaps(SequencedMap<String, Distribution> times) {
        var streamed = successes.stream().filter(m -> m.chunks().count() > 1).toList();
        if (streamed.isEmpty()) {
            return;
        }
        int count = streamed.stream().mapToInt(m -> m.chunks().count() - 1).sum();
        var gaps = new double[count]; // there may be millions: one array for both
        var meanGaps = new ArrayList<Double>();
        var meanPerToken = new ArrayList<Double>();
        var stalls = new ArrayList<Double>();
        boolean alike = true;
        int at = 0;
        for (var m : streamed) {
            int own = m.chunks().count() - 1;
            double largest = 0;
            for (int i = 1; i <= own; i++) {
                double gap = gap(m.chunks(), i);
                gaps[at++] = gap;
                if (gap > largest) {
                    largest = gap;
                }
            }
            alike &= oneTokenEach(m);
            double mean = (m.chunks().offsetNanos(own) - m.chunks().offsetNanos(0)) / 1e6 / own;
            meanGaps.add(mean);
            meanPerToken.add(mean / tokensAChunk(m));
            stalls.add(largest);
        }
        var asTheyCame = Distribution.reordering(gaps, array(meanGaps));
        if (!alike) {
            at = 0;
            for (var m : streamed) {
                for (int i = 1; i < m.chunks().count(); i++) {
                    gaps[at++] = gap(m.chunks(), i) / tokens(m, i);
                }
            }
        }
        times.put("itl_ms", alike ? asTheyCame : Distribution.reordering(gaps, array(meanPerToken)));
        times.put("gap_ms", asTheyCame);
        times.put("stall_ms", Distribution.of(array(stalls)));
    }

    private static double gap(ChunkTimes chunks, int chunk) {
        return (chunks.offsetNanos(chunk) - chunks.offsetNanos(chunk - 1)) / 1e6;
    }

    private static boolean oneTokenEach(Measurement m) {
        return m.chunks().tellsTokens()
                ? IntStream.range(1, m.chunks().count()).allMatch(i -> tokens(m, i) == 1)
                : tokensAChunk(m) == 1;
    }

    private static double tokens(Measurement m, int chunk) {
        return m.chunks().tellsTokens() ? Math.max(1, m.chunks().tokens(chunk)) : tokensAChunk(m);
    }

    private static double tokensAChunk(Measurement m) {
        return Math.max(1, m.outputTokens() - 1) / (double) (m.chunks().count() - 1);
    }

    /** Tokens and requests a second over the whole run; the interval comes from ten windows of equal length and the spread of the end. */
    public SequencedMap<String, Rate> rates() {
        var rates = new LinkedHashMap<String, Rate>();
        if (!successes.isEmpty()) {
            rates.put("output_tok_s", rate(Measurement::outputTokens));
            rates.put("input_tok_s", rate(Measurement::inputTokens));
            rates.put("total_tok_s", rate(m -> m.inputTokens() + m.outputTokens()));
            rates.put("requests_s", rate(_ -> 1));
        }
        return rates;
    }

    /** An amount a second with its 95 % interval; NaN where there is none. */
    public record Rate(double mean, double low, double high) {}

    private Rate rate(ToDoubleFunction<Measurement> amount) {
        double mean = successes.stream().mapToDouble(amount).sum() / seconds;
        long first = successes.stream().mapToLong(Measurement::startNanos).min().orElse(0);
        long last = successes.stream().mapToLong(Measurement::endNanos).max().orElse(0);
        var windows = new double[WINDOWS];
        double width = Math.max(1, last - first) / (double) WINDOWS;
        for (var m : successes) {
            spread(
                    windows,
                    (m.firstTokenNanos() - first) / width,
                    (m.endNanos() - first) / width,
                    amount.applyAsDouble(m));
        }
        var spread = Summary.of(windows);
        double half = Math.hypot((spread.high() - spread.low()) / 2 / (width / 1e9), mean * endSpread() / seconds);
        return new Rate(mean, mean - half, mean + half);
    }

    /** The run ends when its last request does, which another run's does earlier or later: two sd of the latency, in s. */
    private double endSpread() {
        var latencies = successes.stream()
                .mapToDouble(m -> (m.endNanos() - m.startNanos()) / 1e9)
                .toArray();
        return latencies.length < 2 ? 0 : 2 * Summary.of(latencies).sd();
    }

    /** Spreads what a request gave evenly over the time in which it came. */
    private static void spread(double[] windows, double from, double to, double amount) {
        double span = Math.max(1e-9, to - from);
        for (int w = (int) Math.max(0, from); w < WINDOWS && w <= to; w++) {
            double inside = Math.min(to, w + 1.0) - Math.max(from, w);
            windows[w] += amount * Math.max(0, inside) / span;
        }
    }

    /** How many requests were under way, in the mean over the run. */
    public static double meanInFlight(List<Measurement> all) {
        return all.stream()
                        .mapToDouble(m -> (m.endNanos() - m.startNanos()) / 1e9)
                        .sum()
                / of(all).seconds();
    }

    /** For how long at least one was under way; pauses up to {@code pauseNanos} count too, the time of an interruption does not. */
    public static long busyNanos(List<Measurement> all, long pauseNanos) {
        long busy = 0;
        long until = all.stream().mapToLong(Measurement::startNanos).min().orElse(0);
        for (var measurement : all.stream()
                .sorted(Comparator.comparingLong(Measurement::startNanos))
                .toList()) {
            boolean interrupted = measurement.startNanos() - until > pauseNanos;
            busy += Math.max(0, measurement.endNanos() - (interrupted ? measurement.startNanos() : until));
            until = Math.max(until, measurement.endNanos());
        }
        return busy;
    }

    /** The most that were under way at one moment. */
    public static int mostInFlight(List<Measurement> all) {
        long[] starts = all.stream().mapToLong(Measurement::startNanos).sorted().toArray();
        long[] ends = all.stream().mapToLong(Measurement::endNanos).sorted().toArray();
        int most = 0;
        int ended = 0;
        for (int started = 0; started < starts.length; started++) {
            while (ended < ends.length && ends[ended] < starts[started]) {
                ended++;
            }
            most = Math.max(most, started + 1 - ended);
        }
        return most;
    }

    private Distribution of(ToDoubleFunction<Measurement> nanos) {
        return Distribution.of(successes.stream()
                .mapToDouble(m -> nanos.applyAsDouble(m) / 1e6)
                .toArray());
    }

    private static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
