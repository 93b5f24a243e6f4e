package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/**
 * What another load generator would have reported of the same requests, under its names and in its units.
 *
 * @param times distributions; empty without a success
 * @param values single figures
 */
public record ToolMetrics(SequencedMap<String, Distribution> times, SequencedMap<String, Double> values) {
    /** Of measurements that share one clock. */
    public static ToolMetrics of(Definition definition, List<Measurement> all) {
        return switch (definition) {
            case COMPRESSA -> new ToolMetrics(new LinkedHashMap<>(), CompressaMetrics.of(all));
            case VLLM -> VllmMetrics.of(all).summary();
            case GUIDELLM -> guidellm(all);
            case AIPERF -> aiperf(all);
        };
    }

    private static List<Measurement> answered(List<Measurement> all) {
        return all.stream()
                .filter(m -> m.succeeded() && m.firstTokenNanos() != NEVER && m.outputTokens() > 0)
                .toList();
    }

    /** Inter-token latency is each request's mean, weighted by its tokens; TPOT contains the first token. */
    private static ToolMetrics guidellm(List<Measurement> all) {
        var times = new LinkedHashMap<String, Distribution>();
        var ok = answered(all);
        put(times, "time_to_first_token_ms", each(ok, m -> millis(m, m.firstTokenNanos())));
        put(
                times,
                "inter_token_latency_ms",
                ok.stream()
                        .filter(m -> m.outputTokens() > 1)
                        .flatMapToDouble(m -> repeated(decode(m), m.outputTokens() - 1))
                        .toArray());
        put(
                times,
                "time_per_output_token_ms",
                ok.stream()
                        .flatMapToDouble(
                                m -> repeated(millis(m, m.lastTokenNanos()) / m.outputTokens(), m.outputTokens()))
                        .toArray());
        put(times, "request_latency_s", each(ok, m -> millis(m, m.endNanos()) / 1e3));
        return new ToolMetrics(times, rates(all, ok, "requests_per_second", "output_tokens_per_second"));
    }

    /** The latency of a request ends with its last content. */
    private static ToolMetrics aiperf(List<Measurement> all) {
        var times = new LinkedHashMap<String, Distribution>();
        var ok = answered(all);
        put(times, "time_to_first_token_ms", each(ok, m -> millis(m, m.firstTokenNanos())));
        var several = ok.stream().filter(m -> m.chunks().count() > 1).toList();
        put(
                times,
                "time_to_second_token_ms",
                each(several, m -> (m.chunks().offsetNanos(1) - m.chunks().offsetNanos(0)) / 1e6));
        put(times, "request_latency_ms", each(ok, m -> millis(m, m.lastTokenNanos())));
        put(
                times,
                "inter_token_latency_ms",
                each(ok.stream().filter(m -> m.outputTokens() > 1).toList(), ToolMetrics::decode));
        put(
                times,
                "inter_chunk_latency_ms",
                several.stream().flatMapToDouble(ToolMetrics::gaps).toArray());
        return new ToolMetrics(times, rates(all, ok, "request_throughput", "output_token_throughput"));
    }

    private static SequencedMap<String, Double> rates(
            List<Measurement> all, List<Measurement> ok, String requests, String tokens) {
        double seconds = BenchMetrics.of(all).seconds();
        var values = new LinkedHashMap<String, Double>();
        values.put(requests, ok.size() / seconds);
        values.put(tokens, ok.stream().mapToDouble(Measurement::outputTokens).sum() / seconds);
        values.put("successful", (double) ok.size());
        values.put("errored", (double) all.size() - ok.size());
        return values;
    }

    private static double decode(Measurement m) {
        return (m.lastTokenNanos() - m.firstTokenNanos()) / 1e6 / (m.outputTokens() - 1);
    }

    private static DoubleStream gaps(Measurement m) {
        var gaps = new double[m.chunks().count() - 1];
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = (m.chunks().offsetNanos(i + 1) - m.chunks().offsetNanos(i)) / 1e6;
        }
        return Arrays.stream(gaps);
    }

    private static DoubleStream repeated(double value, int times) {
        return DoubleStream.generate(() -> value).limit(times);
    }

    private static double[] each(List<Measurement> requests, ToDoubleFunction<Measurement> value) {
        return requests.stream().mapToDouble(value).toArray();
    }

    private static double millis(Measurement m, long until) {
        return (until - m.startNanos()) / 1e6;
    }

    private static void put(SequencedMap<String, Distribution> times, String name, double[] sample) {
        if (sample.length > 0) {
            times.put(name, Distribution.of(sample));
        }
    }
}
