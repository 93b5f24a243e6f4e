package bestfit.metrics;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;

/**
 * compressa-perf 0.2.5's metrics under its names, in its order, in seconds and tokens per second. All but the failure
 * counts are over successes only. Where compressa-perf writes 0 for "no success" or "no time passed", the metric is
 * absent: a 0 would look like the best.
 *
 * <p>Two of our own follow: {@link #TPOT_STANDARD}, and {@link #TTFT_TEXT} where the first text was recorded.
 */
public final class CompressaMetrics {
    /** vLLM's time per output token, (latency − TTFT) / (tokens − 1), mean over the requests with more than one token. */
    public static final String TPOT_STANDARD = "TPOT_STANDARD";

    /** Mean time to the first delta with text; compressa-perf's TTFT also counts an empty one. */
    public static final String TTFT_TEXT = "TTFT_TEXT";

    private CompressaMetrics() {}

    /** Metrics of measurements; those of warm-up blocks do not count. */
    public static SequencedMap<String, Double> of(List<Measurement> measurements) {
        return ofTimings(measurements.stream()
                .filter(measurement -> measurement.block() >= 0)
                .map(Measurement::timing)
                .toList());
    }

    public static SequencedMap<String, Double> ofTimings(List<RequestTiming> requests) {
        var metrics = new LinkedHashMap<String, Double>();
        var successes = requests.stream().filter(RequestTiming::succeeded).toList();
        if (!successes.isEmpty()) {
            addLatencies(metrics, successes);
            addThroughputs(metrics, successes);
            for (int limit : new int[] {60, 120, 180}) {
                metrics.put("LONGER_THAN_" + limit + "_LATENCY", (double) successes.stream()
                        .filter(r -> r.latencySeconds() > limit)
                        .count());
            }
        }
        if (!requests.isEmpty()) {
            double failed = requests.size() - successes.size();
            metrics.put("FAILED_REQUESTS", failed);
            putRatio(metrics, "FAILED_REQUESTS_PER_HOUR", failed, windowSeconds(requests) / 3600);
        }
        addOurs(metrics, successes);
        return metrics;
    }

    /** avg_n_input, std_n_input, avg_n_output, std_n_output over successes; empty without one. */
    public static SequencedMap<String, Double> tokenCounts(List<RequestTiming> requests) {
        var counts = new LinkedHashMap<String, Double>();
        var successes = requests.stream().filter(RequestTiming::succeeded).toList();
        if (!successes.isEmpty()) {
            addCount(counts, "n_input", values(successes, RequestTiming::inputTokens));
            addCount(counts, "n_output", values(successes, RequestTiming::outputTokens));
        }
        return counts;
    }

    private static void addLatencies(Map<String, Double> metrics, List<RequestTiming> successes) {
        addTimes(metrics, "TTFT", values(successes, RequestTiming::ttftSeconds));
        var latencies = values(successes, RequestTiming::latencySeconds);
        addTimes(metrics, "LATENCY", latencies);
        putRatio(metrics, "TPOT", sum(latencies), sum(values(successes, RequestTiming::outputTokens)));
    }

    private static void addThroughputs(Map<String, Double> metrics, List<RequestTiming> successes) {
        double input = sum(values(successes, RequestTiming::inputTokens));
        double output = sum(values(successes, RequestTiming::outputTokens));
        double window = windowSeconds(successes);
        putRatio(metrics, "THROUGHPUT", input + output, window);
        putRatio(metrics, "THROUGHPUT_INPUT_TOKENS", input, window);
        putRatio(metrics, "THROUGHPUT_OUTPUT_TOKENS", output, window);
        putRatio(metrics, "RPS", successes.size(), window);
    }

    private static void addOurs(Map<String, Double> metrics, List<RequestTiming> successes) {
        successes.stream()
                .filter(r -> r.outputTokens() > 1)
                .mapToDouble(r -> (r.latencySeconds() - firstText(r)) / (r.outputTokens() - 1))
                .average()
                .ifPresent(tpot -> metrics.put(TPOT_STANDARD, tpot));
        successes.stream()
                .mapToDouble(RequestTiming::firstTextSeconds)
                .filter(Double::isFinite)
                .average()
                .ifPresent(ttft -> metrics.put(TTFT_TEXT, ttft));
    }

    private static double firstText(RequestTiming request) {
        return Double.isFinite(request.firstTextSeconds()) ? request.firstTextSeconds() : request.ttftSeconds();
    }

    private static void addTimes(Map<String, Double> metrics, String name, double[] seconds) {
        metrics.put(name, mean(seconds));
        metrics.put(name + "_95", Summary.percentile(seconds, 0.95));
        var slowest = seconds.clone();
        Arrays.sort(slowest);
        metrics.put("TOP_5_" + name, mean(Arrays.copyOfRange(slowest, (int) (0.95 * slowest.length), slowest.length)));
    }

    private static void addCount(Map<String, Double> counts, String name, double[] tokens) {
        var summary = Summary.of(tokens);
        counts.put("avg_" + name, summary.mean());
        counts.put("std_" + name, summary.hasInterval() ? summary.sd() : 0);
    }

    private static void putRatio(Map<String, Double> metrics, String name, double amount, double per) {
        if (per > 0) {
            metrics.put(name, amount / per);
        }
    }

    /** From the first start to the last end. */
    private static double windowSeconds(List<RequestTiming> requests) {
        double start = Arrays.stream(values(requests, RequestTiming::startSeconds))
                .min()
                .orElseThrow();
        double end =
                Arrays.stream(values(requests, RequestTiming::endSeconds)).max().orElseThrow();
        return end - start;
    }

    private static double[] values(List<RequestTiming> requests, ToDoubleFunction<RequestTiming> value) {
        return requests.stream().mapToDouble(value).toArray();
    }

    private static double sum(double[] values) {
        return Arrays.stream(values).sum();
    }

    private static double mean(double[] values) {
        return sum(values) / values.length;
    }
}
