package bestfit.engine;

import bestfit.scheduler.Sequence.Finish;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What {@code /metrics} and the statistics line show, under vLLM's names. Written by the core's thread, read by any.
 */
final class EngineMetrics {
    /** A snapshot of the scheduler. */
    record State(int running, int waiting, double kvUsage) {
        static final State IDLE = new State(0, 0, 0);
    }

    private static final double[] LATENCIES = {
        0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
    };
    private static final double[] LENGTHS = {
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000
    };

    private final EngineConfig config;
    private final String labels;
    private final double startedUnixSeconds = System.currentTimeMillis() / 1e3;
    private volatile State state = State.IDLE;

    final LongAdder promptTokens = new LongAdder();
    final LongAdder generationTokens = new LongAdder();
    final LongAdder prefixQueries = new LongAdder();
    final LongAdder prefixHits = new LongAdder();
    final LongAdder preemptions = new LongAdder();
    final OpenRequests openRequests = new OpenRequests();
    private static final Set<String> UNCOUNTED = Set.of("/metrics", "/health", "/load", "/ping", "/version");
    private final Map<String, LongAdder> answers = new ConcurrentSkipListMap<>();
    private final LongAdder errors = new LongAdder();
    private final Map<Finish, LongAdder> finished = new EnumMap<>(Finish.class);

    final Histogram iterationTokens = new Histogram(1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384);
    final Histogram ttftSeconds = new Histogram(
            0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
            2560);
    final Histogram interTokenSeconds = new Histogram(
            0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80);
    final Histogram e2eSeconds = new Histogram(LATENCIES);
    final Histogram queueSeconds = new Histogram(LATENCIES);
    final Histogram prefillSeconds = new Histogram(LATENCIES);
    final Histogram decodeSeconds = new Histogram(LATENCIES);
    final Histogram inferenceSeconds = new Histogram(LATENCIES);
    final Histogram requestPromptTokens = new Histogram(LENGTHS);
    final Histogram requestGenerationTokens = new Histogram(LENGTHS);
    final Histogram requestMaxGenerationTokens = new Histogram(LENGTHS);
    final Histogram requestMaxTokens = new Histogram(LENGTHS);
    final Histogram requestComputedTokens = new Histogram(LENGTHS);
    final Histogram requestChoices = new Histogram(1, 2, 5, 10, 20);
    final Histogram timePerOutputTokenSeconds = new Histogram(
            0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80);

    EngineMetrics(EngineConfig config) {
        this.config = config;
        this.labels = "engine=\"0\",model_name=\""
                + config.args().servedName().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        for (var reason : Finish.values()) {
            finished.put(reason, new LongAdder());
        }
    }

    /** Counts an answer as prometheus-fastapi-instrumentator does in vLLM; what watches the engine does not count. */
    void answered(String method, String path, int status) {
        if (!UNCOUNTED.contains(path)) {
            var labels = "handler=\"" + path + "\",method=\"" + method + "\",status=\"" + status / 100 + "xx\"";
            answers.computeIfAbsent(labels, _ -> new LongAdder()).increment();
        }
    }

    void observe(State now) {
        state = now;
    }

    State state() {
        return state;
    }

    void finished(Finish reason) {
        finished.getOrDefault(reason, errors).increment();
    }

    void failed() {
        errors.increment();
    }

    /** Prometheus' text format. */
    String text() {
        var out = new StringBuilder(16_384);
        gauge(out, "vllm:num_requests_running", state.running());
        gauge(out, "vllm:num_requests_waiting", state.waiting());
        out.append("# TYPE vllm:num_requests_waiting_by_reason gauge\n");
        labelled(out, "vllm:num_requests_waiting_by_reason", "reason", "capacity", state.waiting());
        labelled(out, "vllm:num_requests_waiting_by_reason", "reason", "deferred", 0);
        out.append("# TYPE vllm:engine_sleep_state gauge\n");
        labelled(out, "vllm:engine_sleep_state", "sleep_state", "awake", 1);
        labelled(out, "vllm:engine_sleep_state", "sleep_state", "weights_offloaded", 0);
        labelled(out, "vllm:engine_sleep_state", "sleep_state", "discard_all", 0);
        gauge(out, "vllm:kv_cache_usage_perc", state.kvUsage());
        cacheInfo(out);
        counter(out, "vllm:prompt_tokens", promptTokens);
        counter(out, "vllm:generation_tokens", generationTokens);
        counter(out, "vllm:prefix_cache_queries", prefixQueries);
        counter(out, "vllm:prefix_cache_hits", prefixHits);
        counter(out, "vllm:num_preemptions", preemptions);
        counter(out, "vllm:prompt_tokens_cached", prefixHits);
        out.append("# TYPE vllm:prompt_tokens_by_source_total counter\n");
        double cached = prefixHits.sum();
        labelled(
                out,
                "vllm:prompt_tokens_by_source_total",
                "source",
                "local_compute",
                Math.max(0, promptTokens.sum() - cached));
        labelled(out, "vllm:prompt_tokens_by_source_total", "source", "local_cache_hit", cached);
        labelled(out, "vllm:prompt_tokens_by_source_total", "source", "external_kv_transfer", 0);
        out.append("# TYPE vllm:request_success_total counter\n");
        finished.forEach((reason, count) -> success(out, reason.name().toLowerCase(Locale.ROOT), count));
        success(out, "error", errors);
        iterationTokens.write(out, "vllm:iteration_tokens_total", labels);
        ttftSeconds.write(out, "vllm:time_to_first_token_seconds", labels);
        interTokenSeconds.write(out, "vllm:inter_token_latency_seconds", labels);
        e2eSeconds.write(out, "vllm:e2e_request_latency_seconds", labels);
        queueSeconds.write(out, "vllm:request_queue_time_seconds", labels);
        inferenceSeconds.write(out, "vllm:request_inference_time_seconds", labels);
        prefillSeconds.write(out, "vllm:request_prefill_time_seconds", labels);
        decodeSeconds.write(out, "vllm:request_decode_time_seconds", labels);
        requestPromptTokens.write(out, "vllm:request_prompt_tokens", labels);
        requestGenerationTokens.write(out, "vllm:request_generation_tokens", labels);
        requestMaxGenerationTokens.write(out, "vllm:request_max_num_generation_tokens", labels);
        requestMaxTokens.write(out, "vllm:request_params_max_tokens", labels);
        requestChoices.write(out, "vllm:request_params_n", labels);
        requestComputedTokens.write(out, "vllm:request_prefill_kv_computed_tokens", labels);
        timePerOutputTokenSeconds.write(out, "vllm:request_time_per_output_token_seconds", labels);
        out.append("# TYPE http_requests_total counter\n");
        answers.forEach((labels, count) -> out.append("http_requests_total{")
                .append(labels)
                .append("} ")
                .append((double) count.sum())
                .append('\n'));
        out.append("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds ");
        return out.append(startedUnixSeconds).append('\n').toString();
    }

    private void gauge(StringBuilder out, String name, double value) {
        out.append("# TYPE ").append(name).append(" gauge\n").append(name);
        out.append('{').append(labels).append("} ").append(value).append('\n');
    }

    private void labelled(StringBuilder out, String name, String label, String value, double number) {
        out.append(name).append('{').append(labels).append(',').append(label).append("=\"");
        out.append(value).append("\"} ").append(number).append('\n');
    }

    private void counter(StringBuilder out, String name, LongAdder count) {
        out.append("# TYPE ")
                .append(name)
                .append("_total counter\n")
                .append(name)
                .append("_total{");
        out.append(labels).append("} ").append((double) count.sum()).append('\n');
    }

    private void success(StringBuilder out, String reason, LongAdder count) {
        out.append("vllm:request_success_total{")
                .append(labels)
                .append(",finished_reason=\"")
                .append(reason);
        out.append("\"} ").append((double) count.sum()).append('\n');
    }

    private void cacheInfo(StringBuilder out) {
        out.append("# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{engine=\"0\",block_size=\"");
        out.append(config.args().blockSize()).append("\",cache_dtype=\"auto\",enable_prefix_caching=\"");
        out.append(config.args().prefixCaching() ? "True" : "False").append("\",gpu_memory_utilization=\"");
        out.append(config.args().memoryUtilization())
                .append("\",kv_cache_size_tokens=\"")
                .append(config.kvTokens());
        out.append("\",num_gpu_blocks=\"").append(config.blocks()).append("\"} 1.0\n");
    }
}
