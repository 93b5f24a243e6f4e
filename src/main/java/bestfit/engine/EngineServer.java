package bestfit.engine;

import bestfit.engine.EngineLog.Writer;
import bestfit.http.HttpClient;
import bestfit.http.HttpServer;
import bestfit.model.Model;
import bestfit.model.ModelSpec;
import bestfit.model.Models;
import bestfit.model.Tokenizer;
import bestfit.scheduler.V1Scheduler;
import bestfit.time.NanoClock;
import java.io.IOException;
import java.net.BindException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** The embedded engine: vLLM's API over a real scheduler and executor, in this process. Thread-safe. */
public final class EngineServer implements AutoCloseable {
    /** What every later request is told once the core has died. */
    static final String DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause.";

    /** vLLM's API process stays reachable, answering 503, for some seconds after its engine died. */
    private static final int DEAD_MILLIS = 1_000;

    /** Time for aborted answers to be written. */
    private static final int LAST_WORDS_MILLIS = 500;

    private static final String LOOPBACK = "127.0.0.1";
    private static final Duration REHEARSAL = Duration.ofSeconds(30);
    private static final Duration WARM_UP = Duration.ofMillis(300);

    /** What requests need, fixed for the engine's life. */
    record Parts(
            EngineConfig config,
            ModelSpec spec,
            Tokenizer tokenizer,
            OrderMaker orders,
            EngineMetrics metrics,
            EngineLog log) {}

    private final Parts parts;
    private final EngineCore core;
    private final HttpServer http;
    private final StatsLog stats;
    private final CompletableFuture<Integer> ended;

    private EngineServer(
            Parts parts, EngineCore core, HttpServer http, StatsLog stats, CompletableFuture<Integer> ended) {
        this.parts = parts;
        this.core = core;
        this.http = http;
        this.stats = stats;
        this.ended = ended;
    }

    /**
     * Loads the model, warms up, and serves.
     *
     * @throws StartFailure if model, args and devices do not go together
     * @throws BindException if the port is taken
     * @throws bestfit.config.ConfigException if there is no such model
     * @throws InterruptedException while it stays unready by {@code --fault never-ready}
     */
    public static EngineServer start(EngineArgs args, EngineLog log)
            throws StartFailure, IOException, InterruptedException {
        long startNanos = System.nanoTime();
        banner(args, log);
        var model = Models.find(args.model());
        var spec = model.spec();
        log.info(
                Writer.API,
                "model.py:733",
                "Resolved architecture: " + spec.architecture().label());
        var config = EngineConfig.decide(args, spec);
        log.info(Writer.API, "model.py:2152", "Using max model len " + config.maxModelLen());
        log.info(
                Writer.API,
                "scheduler.py:239",
                "Chunked prefill is " + (args.chunkedPrefill() ? "enabled" : "disabled")
                        + " with max_num_batched_tokens=" + config.maxNumBatchedTokens() + ".");
        var executor = load(config, model, log);
        logMemory(config, log);
        var tokenizer = Tokenizer.load(model);
        var metrics = new EngineMetrics(config);
        var orders = new OrderMaker(tokenizer, spec, config.maxModelLen());
        var parts = new Parts(config, spec, tokenizer, orders, metrics, log);
        rehearse(parts, executor);
        log.info(
                Writer.CORE,
                "core.py:402",
                String.format(
                        Locale.ROOT,
                        "init engine (profile, create kv cache, warmup model) took %.2f s",
                        (System.nanoTime() - startNanos) / 1e9));
        return serve(parts, FaultyExecutor.wrap(executor, args.faults()));
    }

    private static void banner(EngineArgs args, EngineLog log) {
        log.info(
                Writer.API,
                "api_utils.py:347",
                "vLLM server version " + EngineApi.VERSION + ", serving model " + args.model());
        log.info(
                Writer.API,
                "api_utils.py:350",
                "This is bestfit's embedded engine: it computes on CPU cores, one thread a device, not on a GPU.");
        var given = args.given().entrySet().stream()
                .map(entry -> "'" + entry.getKey() + "': '" + entry.getValue() + "'")
                .collect(Collectors.joining(", ", "{", "}"));
        log.info(Writer.API, "api_utils.py:286", "non-default args: " + given);
        for (var fault : args.faults()) {
            log.warning(
                    Writer.API,
                    "api_utils.py:351",
                    "--fault " + fault.kind().label() + ": this engine fails on purpose.");
        }
    }

    private static StepExecutor load(EngineConfig config, Model model, EngineLog log)
            throws StartFailure, InterruptedException {
        var args = config.args();
        log.info(
                Writer.CORE,
                "core.py:133",
                "Initializing a V1 LLM engine (v" + EngineApi.VERSION + ") with config: model='" + args.model()
                        + "', dtype=torch." + config.dtype() + ", max_seq_len=" + config.maxModelLen()
                        + ", tensor_parallel_size=" + args.tensorParallel() + ", pipeline_parallel_size="
                        + args.pipelineParallel()
                        + ", data_parallel_size=1, kv_cache_dtype=auto, device_config=cpu, seed="
                        + args.seed() + ", served_model_name=" + args.servedName() + ", enable_prefix_caching="
                        + (args.prefixCaching() ? "True" : "False") + ", enable_chunked_prefill="
                        + (args.chunkedPrefill() ? "True" : "False"));
        log.info(Writer.CORE, "cpu_model_runner.py:68", "Starting to load model " + args.model() + "...");
        if (args.fault(Fault.Kind.EXIT).isPresent()) {
            throw StartFailure.engine("RuntimeError: --fault exit, the engine was told to fail at start");
        }
        if (args.fault(Fault.Kind.NEVER_READY).isPresent()) {
            new CompletableFuture<Void>().join();
        }
        long loadNanos = System.nanoTime();
        var executor = CpuExecutor.open(
                model,
                new CpuExecutor.Options(
                        args.tensorParallel(),
                        args.pipelineParallel(),
                        args.blockSize(),
                        config.blocks(),
                        config.maxModelLen(),
                        config.dtype(),
                        args.seed()));
        log.info(
                Writer.CORE,
                "gpu_model_runner.py:319",
                String.format(
                        Locale.ROOT,
                        "Model loading took %.4f GiB memory and %.6f seconds",
                        config.memory().weights() / (double) (1L << 30),
                        (System.nanoTime() - loadNanos) / 1e9));
        executor.warmUp(WARM_UP);
        return executor;
    }

    private static void logMemory(EngineConfig config, EngineLog log) {
        var memory = config.memory();
        log.info(
                Writer.CORE,
                "gpu_worker.py:480",
                String.format(
                        Locale.ROOT,
                        "Available KV cache memory: %.2f GiB",
                        (double) memory.blockBytes() * config.blocks() / (1L << 30)));
        log.info(
                Writer.CORE,
                "gpu_worker.py:703",
                "Each device has " + ByteSize.show(memory.total()) + ": " + ByteSize.show(memory.usable())
                        + " usable, " + ByteSize.show(memory.weights()) + " for weight, "
                        + ByteSize.show(memory.activations()) + " for peak activation.");
        log.info(
                Writer.CORE,
                "kv_cache_utils.py:1744",
                String.format(Locale.ROOT, "GPU KV cache size: %,d tokens", config.kvTokens()));
        log.info(
                Writer.CORE,
                "kv_cache_utils.py:1745",
                String.format(
                        Locale.ROOT,
                        "Maximum concurrency for %,d tokens per request: %.2fx",
                        config.maxModelLen(),
                        config.kvTokens() / (double) config.maxModelLen()));
    }

    /**
     * Answers a few requests on a port and with counts of its own, so that the first real one does not pay for the loading
     * of every class on its way.
     */
    private static void rehearse(Parts parts, StepExecutor executor) throws IOException {
        var metrics = new EngineMetrics(parts.config());
        var own = new Parts(parts.config(), parts.spec(), parts.tokenizer(), parts.orders(), metrics, EngineLog.SILENT);
        var core = EngineCore.start(
                new V1Scheduler(parts.config().scheduler()), executor, metrics, NanoClock.SYSTEM, _ -> {});
        try (var server =
                HttpServer.start(LOOPBACK, 0, HttpServer.Limits.DEFAULTS, new EngineApi(own, core).router())) {
            var client = new HttpClient();
            var headers = parts.config().args().apiKeys().stream()
                    .findFirst()
                    .map(key -> Map.of("Authorization", "Bearer " + key))
                    .orElse(Map.of());
            var chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"max_tokens\":4,\"stream\":true}";
            var text = "{\"prompt\":\"hello\",\"max_tokens\":4}";
            client.call("POST", server.url() + "/v1/chat/completions", headers, bytes(chat), REHEARSAL);
            client.call("POST", server.url() + "/v1/completions", headers, bytes(text), REHEARSAL);
        } finally {
            core.stop();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static EngineServer serve(Parts parts, StepExecutor executor) throws IOException {
        var log = parts.log();
        var ended = new CompletableFuture<Integer>();
        var core = EngineCore.start(
                new V1Scheduler(parts.config().scheduler()),
                executor,
                parts.metrics(),
                NanoClock.SYSTEM,
                cause -> died(cause, log, ended));
        var api = new EngineApi(parts, core);
        var args = parts.config().args();
        HttpServer http;
        try {
            http = HttpServer.start(args.host(), args.port(), HttpServer.Limits.DEFAULTS, api.router());
        } catch (IOException taken) {
            core.close();
            throw taken;
        }
        log.info(Writer.API, "entry.py:136", "Supported tasks: ['generate']");
        log.info(Writer.API, "entry.py:140", "Starting vLLM server on " + http.url());
        log.info(Writer.API, "launcher.py:186", "Available routes are:");
        api.routes().forEach(route -> log.info(Writer.API, "launcher.py:195", route));
        log.uvicorn("Started server process [" + ProcessHandle.current().pid() + "]");
        log.uvicorn("Waiting for application startup.");
        log.uvicorn("Application startup complete.");
        return new EngineServer(
                parts, core, http, StatsLog.start(parts.metrics(), args.logStats() ? log : EngineLog.SILENT), ended);
    }

    /** The process ends a second later with exit code 0, as vLLM's does. */
    private static void died(Throwable cause, EngineLog log, CompletableFuture<Integer> ended) {
        log.error(Writer.CORE, "core.py:1512", "EngineCore encountered a fatal error.");
        log.error(Writer.CORE, "core.py:1512", text(cause));
        log.error(Writer.API, "async_llm.py:906", "AsyncLLM output_handler failed.");
        log.error(Writer.API, "async_llm.py:906", "vllm.v1.engine.exceptions.EngineDeadError: " + DEAD);
        ended.completeOnTimeout(0, DEAD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** A Java exception's class says nothing to who reads vLLM's logs, unless it is all there is. */
    private static String text(Throwable cause) {
        return cause.getMessage() == null || cause instanceof Error ? cause.toString() : cause.getMessage();
    }

    public String url() {
        return http.url();
    }

    public int port() {
        return http.port();
    }

    /** Completes with the process's exit code when the engine has died by itself. */
    public CompletableFuture<Integer> ended() {
        return ended;
    }

    /** Ends as vLLM does at SIGTERM: what is in flight is aborted and told so. */
    @Override
    public void close() {
        var log = parts.log();
        log.info(Writer.API, "launcher.py:254", "[shutdown] API server: shutdown triggered");
        stats.close();
        core.close();
        try {
            parts.metrics().openRequests.awaitNone(LAST_WORDS_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        http.close();
        log.uvicorn("Shutting down");
        log.uvicorn("Application shutdown complete.");
    }
}
