package bestfit.engine;

import bestfit.scheduler.Sequence;
import bestfit.scheduler.Sequence.Finish;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.DoubleStream;

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

    private final EngineConfig config;
    private final Map<String, String> labels;
    private final double startedUnixSeconds = System.currentTimeMillis() / 1e3;
    private volatile State state = State.IDLE;

    final LongAdder promptTokens = new LongAdder();
    final LongAdder generationTokens = new LongAdder();
    final LongAdder prefixQueries = new LongAdder();
    final LongAdder prefixHits = new LongAdder();
    final LongAdder preemptions = new LongAdder();
    final OpenRequests openRequests = new OpenRequests();
    private final LongAdder errors = new LongAdder();
    private final Map<Finish, LongAdder> finished = new EnumMap<>(Finish.class);

    private final Histogram iterationTokens =
            new Histogram(1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384);
    private final Histogram ttftSeconds = new Histogram(
            0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
            2560);
    private final Histogram interTokenSeconds = new Histogram(
            0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80);
    private final Histogram e2eSeconds = new Histogram(LATENCIES);
    private final Histogram queueSeconds = new Histogram(LATENCIES);
    private final Histogram prefillSeconds = new Histogram(LATENCIES);
    private final Histogram decodeSeconds = new Histogram(LATENCIES);
    private final Histogram inferenceSeconds = new Histogram(LATENCIES);
    private final Histogram requestPromptTokens;
    private final Histogram requestGenerationTokens;
    private final Histogram requestMaxGenerationTokens;
    private final Histogram requestMaxTokens;
    private final Histogram requestComputedTokens;
    private final Histogram requestPreemptions = new Histogram(1, 2, 3, 4, 5, 10, 20);
    final HttpMetrics http = new HttpMetrics();
    private final Histogram requestChoices = new Histogram(1, 2, 5, 10, 20);
    private final Histogram timePerOutputTokenSeconds = new Histogram(
            0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80);

    EngineMetrics(EngineConfig config) {
        this.config = config;
        this.labels =
                MetricsText.labels("engine", "0", "model_name", config.args().servedName());
        var lengths = lengths(config.maxModelLen());
        this.requestPromptTokens = new Histogram(lengths);
        this.requestGenerationTokens = new Histogram(lengths);
        this.requestMaxGenerationTokens = new Histogram(lengths);
        this.requestMaxTokens = new Histogram(lengths);
        this.requestComputedTokens = new Histogram(lengths);
        for (var reason : Finish.values()) {
            finished.put(reason, new LongAdder());
        }
    }

    /** 1, 2, 5, 10, … as far as a request of this context can reach. */
    private static double[] lengths(int maxModelLen) {
        return DoubleStream.iterate(1, power -> power <= maxModelLen, power -> power * 10)
                .flatMap(power -> DoubleStream.of(power, 2 * power, 5 * power))
                .filter(bound -> bound <= maxModelLen)
                .toArray();
    }

    void observe(State now) {
        state = now;
    }

    State state() {
        return state;
    }

    /** A sequence begins; one that must not use the prefix cache is no query to it. */
    void admitted(Sequence sequence) {
        if (config.args().prefixCaching() && sequence.readsPrefixCache()) {
            prefixQueries.add(sequence.promptLength());
            prefixHits.add(sequence.cachedTokens());
        }
    }

    /** A request has a further token; its times are still those of the one before. */
    void token(EngineRequest request, long nowNanos) {
        if (request.firstTokenNanos == 0) {
            promptTokens.add(request.sequence.promptLength());
            ttftSeconds.add(seconds(request.arrivedNanos, nowNanos));
        } else {
            interTokenSeconds.add(seconds(request.lastTokenNanos, nowNanos));
        }
        generationTokens.increment();
    }

    /**
     * A step ended. vLLM counts those that brought tokens.
     *
     * @param tokens generated by it, and those computed of each prompt whose first token is among them
     */
    void step(int tokens) {
        if (tokens > 0) {
            iterationTokens.add(tokens);
        }
    }

    void ended(EngineRequest request, Finish reason) {
        if (reason == Finish.ABORT) {
            return; // vLLM forgets a request whose client has left
        }
        finished.getOrDefault(reason, errors).increment();
        if (request.firstTokenNanos == 0) {
            return;
        }
        // To the last token by the executor's clock: the host's work after it is no part of a simulated request.
        e2eSeconds.add(seconds(request.arrivedNanos, request.lastTokenNanos));
        queueSeconds.add(seconds(request.arrivedNanos, request.admittedNanos));
        prefillSeconds.add(seconds(request.admittedNanos, request.firstTokenNanos));
        decodeSeconds.add(seconds(request.firstTokenNanos, request.lastTokenNanos));
        inferenceSeconds.add(seconds(request.admittedNanos, request.lastTokenNanos));
        requestPromptTokens.add(request.sequence.promptLength());
        int generated = request.sequence.generated();
        requestGenerationTokens.add(generated);
        requestMaxTokens.add(request.order.limits().maxTokens());
        requestPreemptions.add(request.sequence.preemptions());
        requestComputedTokens.add(request.uncachedPrompt());
        timePerOutputTokenSeconds.add(
                seconds(request.firstTokenNanos, request.lastTokenNanos) / Math.max(1, generated - 1));
        var siblings = request.siblings;
        if (siblings.end(generated)) {
            requestChoices.add(siblings.count());
            requestMaxGenerationTokens.add(siblings.longest());
        }
    }

    void failed() {
        errors.increment();
    }

    private static double seconds(long fromNanos, long toNanos) {
        return (toNanos - fromNanos) / 1e9;
    }

    /** Prometheus' text format: vLLM's families in its order, with its words. */
    String text() {
        var text = new MetricsText(startedUnixSeconds);
        ProcessMetrics.write(text, startedUnixSeconds);
        writeEstimates(text);
        writeState(text);
        writeCaches(text);
        writeTokens(text);
        writeRequests(text);
        writeHistograms(text);
        text.gauge(
                "vllm:cache_config_info",
                "Information of the LLMEngine CacheConfig",
                Map.of(CacheConfigInfo.of(config), 1));
        http.write(text);
        return text.toString();
    }

    /** Nothing is estimated here, as in vLLM without {@code --enable-mfu-metrics}. */
    private void writeEstimates(MetricsText text) {
        var use = " per GPU (for Model Flops Utilization calculations).";
        counter(text, "estimated_flops_per_gpu", "Estimated number of floating point operations" + use, 0);
        counter(text, "estimated_read_bytes_per_gpu", "Estimated number of bytes read from memory" + use, 0);
        counter(text, "estimated_write_bytes_per_gpu", "Estimated number of bytes written to memory" + use, 0);
    }

    private void writeState(MetricsText text) {
        gauge(
                text,
                "num_requests_running",
                "Number of requests in model execution batches.",
                Map.of(labels, state.running()));
        gauge(
                text,
                "num_requests_waiting",
                "Number of requests waiting to be processed.",
                Map.of(labels, state.waiting()));
        gauge(
                text,
                "num_requests_waiting_by_reason",
                "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity;"
                        + " 'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status)."
                        + " Sum of all reasons equals vllm:num_requests_waiting.",
                by("reason", "capacity", state.waiting(), "deferred", 0));
        gauge(
                text,
                "engine_sleep_state",
                "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake;"
                        + " weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2.",
                by("sleep_state", "awake", 1, "weights_offloaded", 0, "discard_all", 0));
        gauge(
                text,
                "kv_cache_usage_perc",
                "KV-cache usage. 1 means 100 percent usage.",
                Map.of(labels, state.kvUsage()));
    }

    private void writeCaches(MetricsText text) {
        var external = " from KV connector cross-instance cache sharing, in terms of number of ";
        counter(
                text,
                "prefix_cache_queries",
                "Prefix cache queries, in terms of number of queried tokens.",
                prefixQueries.sum());
        counter(text, "prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens.", prefixHits.sum());
        counter(
                text,
                "external_prefix_cache_queries",
                "External prefix cache queries" + external + "queried tokens.",
                0);
        counter(text, "external_prefix_cache_hits", "External prefix cache hits" + external + "cached tokens.", 0);
        counter(text, "mm_cache_queries", "Multi-modal cache queries, in terms of number of queried items.", 0);
        counter(text, "mm_cache_hits", "Multi-modal cache hits, in terms of number of cached items.", 0);
    }

    private void writeTokens(MetricsText text) {
        long prompts = promptTokens.sum();
        long cached = prefixHits.sum();
        counter(text, "num_preemptions", "Cumulative number of preemption from the engine.", preemptions.sum());
        counter(text, "prompt_tokens", "Number of prefill tokens processed.", prompts);
        text.counter(
                "vllm:prompt_tokens_by_source_total",
                "Number of prompt tokens by source.",
                by(
                        "source",
                        "local_compute",
                        Math.max(0, prompts - cached),
                        "local_cache_hit",
                        cached,
                        "external_kv_transfer",
                        0));
        counter(text, "prompt_tokens_cached", "Number of cached prompt tokens (local + external).", cached);
        text.counter(
                "vllm:prompt_tokens_cached_by_source_total",
                "Prefix-cache hit tokens by the cache tier that supplied them: device (local HBM), host (offloaded to"
                        + " DRAM), disk, p2p (transferred from another vLLM instance) or external_unspecified. Counted"
                        + " at admission; sums to vllm:prefix_cache_hits + vllm:external_prefix_cache_hits.",
                by("source", "device", cached, "host", 0, "p2p", 0, "disk", 0, "external_unspecified", 0));
        counter(text, "generation_tokens", "Number of generation tokens processed.", generationTokens.sum());
    }

    private void writeRequests(MetricsText text) {
        text.counter(
                "vllm:request_success_total",
                "Count of successfully processed requests.",
                by(
                        "finished_reason",
                        "stop",
                        count(Finish.STOP),
                        "length",
                        count(Finish.LENGTH),
                        "abort",
                        count(Finish.ABORT),
                        "error",
                        errors.sum(),
                        "repetition",
                        count(Finish.REPETITION)));
        var rejected = new LinkedHashMap<Map<String, String>, Number>();
        for (var reason : List.of("max_num_queued_reqs", "max_num_queued_tokens")) {
            rejected.put(MetricsText.labels("model_name", config.args().servedName(), "reason", reason), 0);
        }
        text.counter(
                "vllm:admission_rejections_total",
                "Number of admission attempts rejected by a queue limit, by reason.",
                rejected);
    }

    private long count(Finish reason) {
        return Objects.requireNonNull(finished.get(reason)).sum();
    }

    private void writeHistograms(MetricsText text) {
        var of = "Histogram of ";
        var spent = of + "time spent in ";
        histogram(text, "request_prompt_tokens", "Number of prefill tokens processed.", requestPromptTokens);
        histogram(text, "request_generation_tokens", "Number of generation tokens processed.", requestGenerationTokens);
        histogram(text, "iteration_tokens_total", of + "number of tokens per engine_step.", iterationTokens);
        histogram(
                text,
                "request_max_num_generation_tokens",
                of + "maximum number of requested generation tokens.",
                requestMaxGenerationTokens);
        histogram(text, "request_params_n", of + "the n request parameter.", requestChoices);
        histogram(text, "request_params_max_tokens", of + "the max_tokens request parameter.", requestMaxTokens);
        histogram(text, "time_to_first_token_seconds", of + "time to first token in seconds.", ttftSeconds);
        histogram(text, "inter_token_latency_seconds", of + "inter-token latency in seconds.", interTokenSeconds);
        histogram(
                text,
                "request_time_per_output_token_seconds",
                of + "time_per_output_token_seconds per request.",
                timePerOutputTokenSeconds);
        histogram(text, "e2e_request_latency_seconds", of + "e2e request latency in seconds.", e2eSeconds);
        histogram(text, "request_queue_time_seconds", spent + "WAITING phase for request.", queueSeconds);
        histogram(text, "request_inference_time_seconds", spent + "RUNNING phase for request.", inferenceSeconds);
        histogram(text, "request_prefill_time_seconds", spent + "PREFILL phase for request.", prefillSeconds);
        histogram(text, "request_decode_time_seconds", spent + "DECODE phase for request.", decodeSeconds);
        histogram(
                text,
                "request_num_preemptions",
                of + "the number of times a request was preempted.",
                requestPreemptions);
        histogram(
                text,
                "request_prefill_kv_computed_tokens",
                of + "new KV tokens computed during prefill (excluding cached tokens).",
                requestComputedTokens);
    }

    private void gauge(MetricsText text, String name, String help, Map<Map<String, String>, ? extends Number> series) {
        text.gauge("vllm:" + name, help, series);
    }

    private void counter(MetricsText text, String name, String help, long value) {
        text.counter("vllm:" + name + "_total", help, Map.of(labels, value));
    }

    private void histogram(MetricsText text, String name, String help, Histogram histogram) {
        text.histogram("vllm:" + name, help, Map.of(labels, histogram));
    }

    /** One series for each value of a further label; values and numbers by turns. */
    private Map<Map<String, String>, Number> by(String label, Object... valuesAndNumbers) {
        var series = new LinkedHashMap<Map<String, String>, Number>();
        for (int i = 0; i < valuesAndNumbers.length; i += 2) {
            series.put(
                    MetricsText.with(labels, label, valuesAndNumbers[i].toString()), (Number) valuesAndNumbers[i + 1]);
        }
        return series;
    }
}
