package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * {@code vllm bench serve}'s metrics, by its {@code calculate_metrics}: the first token is the first event with a choice, be
 * it empty, and the latency of a request ends with the last event with a choice.
 *
 * @param requests in the order of their numbers, failed ones among them
 */
public record VllmMetrics(List<Measurement> requests, double seconds) {
    public static VllmMetrics of(List<Measurement> all) {
        var ordered =
                all.stream().sorted(Comparator.comparingInt(Measurement::index)).toList();
        return new VllmMetrics(ordered, BenchMetrics.of(all).seconds());
    }

    public List<Measurement> successes() {
        return requests.stream().filter(VllmMetrics::answered).toList();
    }

    private static boolean answered(Measurement m) {
        return m.succeeded() && m.firstTokenNanos() != NEVER;
    }

    /** Seconds to the first event; 0 if there was none. */
    public static double ttft(Measurement m) {
        long first = first(m);
        return first == NEVER ? 0 : (first - m.startNanos()) / 1e9;
    }

    private static long first(Measurement m) {
        return m.firstContentNanos() == NEVER
                ? m.firstTokenNanos()
                : m.firstTokenNanos() == NEVER
                        ? m.firstContentNanos()
                        : Math.min(m.firstContentNanos(), m.firstTokenNanos());
    }

    /** Seconds to the last event with a choice; 0 for a failed request. */
    public static double latency(Measurement m) {
        return answered(m) ? (m.lastTokenNanos() - m.startNanos()) / 1e9 : 0;
    }

    /** Seconds between the events with a choice, the first one's not counted; empty for a failed request. */
    public static double[] itl(Measurement m) {
        if (!answered(m)) {
            return new double[0];
        }
        var times = new ArrayList<Double>();
        long before = first(m) - m.startNanos();
        // an empty first event is a message of its own
        int from = m.firstContentNanos() != NEVER && m.firstContentNanos() < m.firstTokenNanos() ? 0 : 1;
        for (int i = from; i < m.chunks().count(); i++) {
            times.add((m.chunks().offsetNanos(i) - before) / 1e9);
            before = m.chunks().offsetNanos(i);
        }
        return times.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** Samples in milliseconds by vLLM's names. */
    public SequencedMap<String, double[]> samples() {
        var ok = successes();
        var samples = new LinkedHashMap<String, double[]>();
        samples.put("ttft", ok.stream().mapToDouble(m -> 1e3 * ttft(m)).toArray());
        samples.put(
                "tpot",
                ok.stream()
                        .filter(m -> m.outputTokens() > 1)
                        .mapToDouble(m -> 1e3 * (latency(m) - ttft(m)) / (m.outputTokens() - 1))
                        .toArray());
        samples.put(
                "itl",
                ok.stream()
                        .flatMapToDouble(m -> Arrays.stream(itl(m)).map(gap -> 1e3 * gap))
                        .toArray());
        samples.put("e2el", ok.stream().mapToDouble(m -> 1e3 * latency(m)).toArray());
        return samples;
    }

    /** Events (not tokens) in the fullest second, and requests in the second that most were open in. */
    public record Peak(double events, int requests) {}

    public Peak peak() {
        var ok = successes();
        if (ok.isEmpty()) {
            return new Peak(0, 0);
        }
        long origin = ok.stream().mapToLong(Measurement::startNanos).min().orElseThrow();
        double end = ok.stream()
                .mapToDouble(m -> (m.startNanos() - origin) / 1e9 + latency(m))
                .max()
                .orElseThrow();
        var events = new double[(int) Math.ceil(end) + 1];
        var open = new int[events.length];
        for (var m : ok) {
            double start = (m.startNanos() - origin) / 1e9;
            double at = start + ttft(m);
            events[(int) at]++;
            for (double gap : itl(m)) {
                at += gap;
                events[(int) at]++;
            }
            for (int second = (int) start; second <= (int) (start + latency(m)); second++) {
                open[second]++;
            }
        }
        return new Peak(
                Arrays.stream(events).max().orElse(0), Arrays.stream(open).max().orElse(0));
    }

    public long inputTokens() {
        return successes().stream().mapToLong(Measurement::inputTokens).sum();
    }

    public long outputTokens() {
        return successes().stream().mapToLong(Measurement::outputTokens).sum();
    }

    ToolMetrics summary() {
        var times = new LinkedHashMap<String, Distribution>();
        samples().forEach((name, sample) -> {
            if (sample.length > 0) {
                times.put(name + "_ms", Distribution.of(sample));
            }
        });
        int completed = successes().size();
        var values = new LinkedHashMap<String, Double>();
        values.put("completed", (double) completed);
        values.put("failed", (double) requests.size() - completed);
        values.put("request_throughput", completed / seconds);
        values.put("output_throughput", outputTokens() / seconds);
        values.put("total_token_throughput", (inputTokens() + outputTokens()) / seconds);
        values.put("max_output_tokens_per_s", peak().events());
        values.put("max_concurrent_requests", (double) peak().requests());
        return new ToolMetrics(times, values);
    }
}
