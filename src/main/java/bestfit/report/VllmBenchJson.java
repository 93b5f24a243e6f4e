package bestfit.report;

import bestfit.config.Json;
import bestfit.metrics.Measurement;
import bestfit.metrics.Slo;
import bestfit.metrics.Summary;
import bestfit.metrics.VllmMetrics;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.DoubleNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** A run as {@code vllm bench serve --save-result} writes it, key by key (vLLM 0.32), with e2el among the metrics. */
public final class VllmBenchJson {
    /**
     * An array with a value a request.
     *
     * @param always vLLM leaves it in the file even without {@code --save-detailed}
     */
    private record Column(String name, boolean always, Function<Measurement, JsonNode> value) {}

    /** In vLLM's order. */
    private static final List<Column> COLUMNS = List.of(
            new Column("input_lens", false, m -> IntNode.valueOf(m.inputTokens())),
            new Column("output_lens", false, m -> IntNode.valueOf(m.succeeded() ? m.outputTokens() : 0)),
            new Column("ttfts", false, m -> DoubleNode.valueOf(VllmMetrics.ttft(m))),
            new Column("itls", false, VllmBenchJson::gaps),
            new Column("latencies", true, m -> DoubleNode.valueOf(VllmMetrics.latency(m))),
            new Column("start_times", false, m -> DoubleNode.valueOf(m.startNanos() / 1e9)),
            new Column("queue_times", true, m -> DoubleNode.valueOf((m.startNanos() - m.intendedNanos()) / 1e9)),
            new Column("generated_texts", false, _ -> StringNode.valueOf("")),
            new Column("errors", false, m -> StringNode.valueOf(Objects.requireNonNullElse(m.failure(), ""))));

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

    private VllmBenchJson() {}

    /**
     * @param run what was asked for, as in an events file
     * @param detailed with the arrays of {@code --save-detailed}; texts are not kept, so they are empty
     */
    public static ObjectNode of(JsonNode run, List<Measurement> measurements, Optional<Slo> slo, boolean detailed) {
        var metrics = VllmMetrics.of(measurements);
        var json = head(run, measurements);
        int completed = metrics.successes().size();
        json.put("duration", metrics.seconds())
                .put("completed", completed)
                .put("failed", measurements.size() - completed)
                .put("total_input_tokens", metrics.inputTokens())
                .put("total_output_tokens", metrics.outputTokens())
                .put("request_throughput", completed / metrics.seconds());
        slo.ifPresentOrElse(
                limit -> json.put(
                        "request_goodput",
                        measurements.stream().filter(limit::keeps).count() / metrics.seconds()),
                () -> json.putNull("request_goodput"));
        json.put("output_throughput", metrics.outputTokens() / metrics.seconds())
                .put("total_token_throughput", (metrics.inputTokens() + metrics.outputTokens()) / metrics.seconds());
        arrays(json, metrics.requests(), detailed);
        var peak = metrics.peak();
        json.put("max_output_tokens_per_s", peak.events())
                .put("max_concurrent_requests", peak.requests())
                .put("rtfx", 0.0);
        metrics.samples().forEach((name, sample) -> statistics(json, name, sample));
        return json;
    }

    private static ObjectNode head(JsonNode run, List<Measurement> measurements) {
        var backend = run.path("endpoint").asString("").contains("chat") ? "openai-chat" : "openai";
        long startMicros = measurements.stream()
                .mapToLong(Measurement::startedAtEpochMicros)
                .min()
                .orElse(0);
        var model = run.path("model").asString("");
        var json = Json.object()
                .put(
                        "date",
                        DATE.format(Instant.ofEpochMilli(startMicros / 1000).atZone(ZoneId.systemDefault())))
                .put("endpoint_type", backend)
                .put("backend", backend)
                .putNull("label")
                .put("model_id", model)
                .put("tokenizer_id", model)
                .put("num_prompts", measurements.size());
        if (run.has("rate")) {
            json.put("request_rate", run.path("rate").asDouble());
        } else {
            json.put("request_rate", "inf");
        }
        json.put("burstiness", Double.parseDouble(run.path("burstiness").asString("1.0")));
        if (run.has("concurrency")) {
            json.put("max_concurrency", run.path("concurrency").asInt());
        } else {
            json.putNull("max_concurrency");
        }
        return json;
    }

    private static void arrays(ObjectNode json, List<Measurement> requests, boolean detailed) {
        for (var column : COLUMNS) {
            if (detailed || column.always()) {
                var array = json.putArray(column.name());
                requests.forEach(m -> array.add(column.value().apply(m)));
            }
        }
    }

    private static JsonNode gaps(Measurement m) {
        var gaps = Json.array();
        Arrays.stream(VllmMetrics.itl(m)).forEach(gaps::add);
        return gaps;
    }

    /** NumPy's: the standard deviation is that of a population, and no sample gives 0. */
    private static void statistics(ObjectNode json, String name, double[] sample) {
        double[] values = sample.length == 0 ? new double[1] : sample;
        double mean = Arrays.stream(values).average().orElseThrow();
        double variance = Arrays.stream(values)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElseThrow();
        json.put("mean_" + name + "_ms", mean)
                .put("median_" + name + "_ms", Summary.percentile(values, 0.5))
                .put("std_" + name + "_ms", Math.sqrt(variance))
                .put("p99_" + name + "_ms", Summary.percentile(values, 0.99));
    }
}
