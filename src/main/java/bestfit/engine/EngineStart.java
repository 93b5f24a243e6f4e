package bestfit.engine;

import bestfit.args.ArgCatalogue;
import bestfit.args.ArgSpec;
import bestfit.args.ArgSpec.Takes;
import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.engine.EngineLog.Writer;
import bestfit.engine.EngineServer.Parts;
import bestfit.http.HttpClient;
import bestfit.http.HttpServer;
import bestfit.model.Model;
import bestfit.model.Models;
import bestfit.model.Tokenizer;
import bestfit.openai.PythonText;
import bestfit.scheduler.Scheduler;
import bestfit.time.ScaledClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What an engine does before it serves, with vLLM's log lines: checks the args, loads the model and warms up, and beside
 * that reads the tokenizer and rehearses its own API.
 */
final class EngineStart {
    /** Minor release since which vLLM does not log whether steps are made ahead. */
    private static final int QUIET_SINCE = 32;

    private static final String LOOPBACK = "127.0.0.1";
    private static final Duration REHEARSAL = Duration.ofSeconds(30);
    private static final Duration WARM_UP = Duration.ofMillis(300);
    private static final int WARM_PAGES = 16;
    private static final Duration LONG_PROMPTS = Duration.ofMillis(600);
    private static final int LONG_PROMPT_WORDS = 4_000;

    /** Minor release. */
    private static final int ONE_KV_LINE_SINCE = 32;

    /** Minor release that no longer knows {@code guided_json} and the like. */
    private static final int GUIDED_UNTIL = 12;

    /** Tokens that a word of a rehearsed prompt takes at most. */
    private static final int LONGEST_WORD = 16;

    private static final String COMPUTED =
            "This is bestfit's embedded engine: it computes on CPU cores, one thread a device, not on a GPU.";

    /** Ready to serve. */
    record Ready(Parts parts, StepExecutor executor) {}

    private final EngineArgs args;
    private final EngineLog log;
    private final Model model;
    private final EngineConfig config;
    private final ScaledClock clock;

    private EngineStart(EngineArgs args, EngineLog log, Model model, EngineConfig config) {
        this.args = args;
        this.log = log;
        this.model = model;
        this.config = config;
        this.clock =
                ScaledClock.start(args.simulation().map(Simulation::timeScale).orElse(1.0));
    }

    /** Throws as {@link EngineServer#start} does. */
    static Ready of(EngineArgs args, EngineLog log) throws StartFailure, InterruptedException {
        long startNanos = System.nanoTime();
        var model = found(args.model());
        log.info(
                Writer.API,
                "model.py:733",
                "Resolved architecture: " + model.spec().architecture().label());
        var config = EngineConfig.decide(args, model);
        log.info(Writer.API, "model.py:2152", "Using max model len " + config.maxModelLen());
        log.info(
                Writer.API,
                "scheduler.py:239",
                "Chunked prefill is " + (config.chunkedPrefill() ? "enabled" : "disabled")
                        + " with max_num_batched_tokens=" + config.maxNumBatchedTokens() + ".");
        if (!args.performanceMode().equals("balanced")) {
            log.info(Writer.API, "vllm.py:1441", "Performance mode set to '" + args.performanceMode() + "'.");
        }
        if (args.version().async() && args.version().minor() < QUIET_SINCE) {
            log.info(
                    Writer.API,
                    "vllm.py:999",
                    "Asynchronous scheduling is " + (config.schedulesAhead() ? "enabled." : "disabled."));
        }
        var ready = new EngineStart(args, log, model, config).run();
        log.info(
                Writer.CORE,
                "core.py:402",
                String.format(
                        Locale.ROOT,
                        "init engine (profile, create kv cache, warmup model) took %.2f s",
                        (System.nanoTime() - startNanos) / 1e9));
        return ready;
    }

    private static Model found(String name) throws StartFailure {
        try {
            return Models.find(name);
        } catch (ConfigException none) {
            var offline = System.getenv().getOrDefault("HF_HUB_OFFLINE", "0");
            throw MissingModel.of(name, offline.matches("(?i)1|on|yes|true"), none);
        }
    }

    private Ready run() throws StartFailure, InterruptedException {
        var parts = CompletableFuture.supplyAsync(
                this::rehearsed, task -> Thread.ofVirtual().start(task));
        announceLoad();
        long loadNanos = System.nanoTime();
        var loaded = args.simulation().isEmpty() ? computing() : null;
        log.info(
                Writer.CORE,
                "gpu_model_runner.py:319",
                String.format(
                        Locale.ROOT,
                        "Model loading took %.4f GiB memory and %.6f seconds",
                        config.memory().weights() / (double) (1L << 30),
                        (System.nanoTime() - loadNanos) / 1e9));
        if (loaded != null) {
            loaded.warmUp(WARM_UP);
        }
        logMemory(config, log);
        try {
            var executor = loaded != null ? loaded : simulating(parts.join());
            if (loaded == null) {
                warmPages(parts.join().metrics());
            }
            return new Ready(parts.join(), FaultyExecutor.wrap(executor, args.faults(), clock));
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    /** Who watches the engine asks once a second: cold code would hold the tokens of simulated steps up for milliseconds. */
    private static void warmPages(EngineMetrics metrics) {
        for (int i = 0; i < WARM_PAGES; i++) {
            metrics.text();
        }
    }

    private CpuExecutor computing() {
        return CpuExecutor.open(
                model,
                new CpuExecutor.Options(
                        args.tensorParallel(),
                        args.pipelineParallel(),
                        args.blockSize(),
                        config.blocks(),
                        config.maxModelLen(),
                        config.dtype(),
                        args.seed()));
    }

    private StepExecutor simulating(Parts parts) {
        var timer = args.simulation().orElseThrow().timer(Objects.requireNonNull(config.simulated()), clock);
        return GpuExecutor.start(
                timer, tokens(parts.tokenizer()), clock, args.pipelineParallel(), config.schedulesAhead());
    }

    /** Of ids that are whole characters and end no answer. */
    private HashedTokens tokens(Tokenizer tokenizer) {
        var usable = IntStream.range(
                        0, Math.min(tokenizer.vocabularySize(), model.spec().vocabSize()))
                .filter(id -> !tokenizer.isSpecial(id) && !model.spec().eosIds().contains(id))
                .filter(id -> isText(tokenizer.tokenText(id)))
                .toArray();
        return new HashedTokens(usable, args.seed());
    }

    private static boolean isText(String text) {
        return !text.isEmpty() && text.indexOf('\ufffd') < 0;
    }

    /** The first lines of the log, written before anything is looked at. */
    static void banner(EngineArgs args, EngineLog log) {
        log.info(
                Writer.API,
                "api_utils.py:347",
                "vLLM server version " + EngineApi.version(args) + ", serving model " + args.model());
        log.info(
                Writer.API,
                "api_utils.py:350",
                args.simulation().map(EngineStart::simulated).orElse(COMPUTED));
        log.info(Writer.API, "api_utils.py:286", "non-default args: " + given(args));
        for (var fault : args.faults()) {
            log.warning(
                    Writer.API,
                    "api_utils.py:351",
                    "--fault " + fault.kind().label() + ": this engine fails on purpose.");
        }
    }

    /** As a Python dict. */
    private static String given(EngineArgs args) {
        var model = PythonText.quoted(args.model());
        var all = new ArrayList<>(List.of("'model_tag': " + model, "'model': " + model));
        new TreeMap<>(args.given()).forEach((name, value) -> {
            if (!name.equals("model")) {
                all.add(PythonText.quoted(name) + ": " + python(name, value));
            }
        });
        return all.stream().collect(Collectors.joining(", ", "{", "}"));
    }

    private static String python(String name, String value) {
        if (value.equals("True") || value.matches("-?\\d+(\\.\\d+)?")) {
            return value;
        }
        var spec = ArgCatalogue.find("--" + name.replace('_', '-'));
        return spec.map(ArgSpec::takes).orElse(Takes.ONE) == Takes.MANY
                ? Stream.of(value.split(" ", -1))
                        .map(PythonText::quoted)
                        .toList()
                        .toString()
                : PythonText.quoted(value);
    }

    private static String simulated(Simulation simulation) {
        return "This is bestfit's embedded engine, SIMULATED: no GPU and no model computes here. Steps take as long as "
                + simulation.spec() + " would by the performance model, tokens are those of a hash, and "
                + simulation.timeScale()
                + " simulated seconds pass in one.";
    }

    private void announceLoad() throws StartFailure {
        log.info(
                Writer.CORE,
                "core.py:133",
                "Initializing a " + (args.version().v0() ? "V0" : "V1") + " LLM engine (v" + EngineApi.version(args)
                        + ") with config: model='" + args.model()
                        + "', dtype=torch." + config.dtype() + ", max_seq_len=" + config.maxModelLen()
                        + ", tensor_parallel_size=" + args.tensorParallel() + ", pipeline_parallel_size="
                        + args.pipelineParallel()
                        + ", data_parallel_size=1, kv_cache_dtype=auto, device_config=cpu, seed="
                        + args.seed() + ", served_model_name=" + args.servedName() + ", enable_prefix_caching="
                        + (args.prefixCaching() ? "True" : "False") + ", enable_chunked_prefill="
                        + (config.chunkedPrefill() ? "True" : "False"));
        log.info(Writer.CORE, "cpu_model_runner.py:68", "Starting to load model " + args.model() + "...");
        if (args.fault(Fault.Kind.EXIT).isPresent()) {
            throw StartFailure.engine("RuntimeError: --fault exit, the engine was told to fail at start");
        }
        if (args.fault(Fault.Kind.NEVER_READY).isPresent()) {
            new CompletableFuture<Void>().join();
        }
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
        logKvSpace(config, log);
    }

    /** One line since about 0.32, two before. */
    private static void logKvSpace(EngineConfig config, EngineLog log) {
        var size = String.format(Locale.ROOT, "GPU KV cache size: %,d tokens", config.kvTokens());
        var concurrency = String.format(
                Locale.ROOT,
                "Maximum concurrency for %,d tokens per request: %.2fx",
                config.maxModelLen(),
                config.kvTokens() / (double) config.maxModelLen());
        if (config.args().version().minor() >= ONE_KV_LINE_SINCE) {
            log.info(Writer.CORE, "kv_cache_utils.py:2327", size + ", " + concurrency);
        } else {
            log.info(Writer.CORE, "kv_cache_utils.py:1744", size);
            log.info(Writer.CORE, "kv_cache_utils.py:1745", concurrency);
        }
    }

    private Parts rehearsed() {
        var tokenizer = Tokenizer.load(model);
        var generation = args.given().getOrDefault("generation_config", "auto");
        var spec = GenerationFile.ends(generation, model);
        var orders = new OrderMaker(
                tokenizer,
                spec,
                config.maxModelLen(),
                args.maxLogprobs(),
                args.processedLogprobs(),
                GenerationFile.read(
                        generation, args.given().getOrDefault("override_generation_config", "{}"), model, log),
                args.version().minor() < GUIDED_UNTIL);
        var parts = new Parts(config, spec, tokenizer, orders, new EngineMetrics(config), clock, log);
        rehearse(parts);
        return parts;
    }

    /**
     * Answers a few requests on a port, with devices and counts of its own, so that the first real one does not pay for the
     * loading of every class on its way.
     */
    private void rehearse(Parts parts) {
        var metrics = new EngineMetrics(config);
        var own = new Parts(config, parts.spec(), parts.tokenizer(), parts.orders(), metrics, clock, EngineLog.SILENT);
        var executor = GpuExecutor.start(
                _ -> StepTimer.Times.NONE, tokens(parts.tokenizer()), clock, 1, config.schedulesAhead());
        var core =
                new EngineCore(Scheduler.of(config.scheduler()), executor, metrics, clock, IterationLog.NONE, _ -> {});
        core.start();
        try (var server =
                HttpServer.start(LOOPBACK, 0, HttpServer.Limits.DEFAULTS, new EngineApi(own, core).router())) {
            var client = new HttpClient();
            var headers = args.apiKeys().stream()
                    .findFirst()
                    .map(key -> Map.of("Authorization", "Bearer " + key))
                    .orElse(Map.of());
            if (args.simulation().isPresent()) {
                longPrompts(server.url() + "/v1/completions", client, headers);
            }
            var chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"max_tokens\":4,\"stream\":true}";
            var text = "{\"prompt\":\"hello\",\"max_tokens\":4}";
            client.call("POST", server.url() + "/v1/chat/completions", headers, bytes(chat), REHEARSAL);
            client.call("POST", server.url() + "/v1/completions", headers, bytes(text), REHEARSAL);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } finally {
            core.close();
        }
    }

    /**
     * Until their reading is compiled: on a scaled clock a tenth of a second more for the first prompt would be seconds.
     */
    private void longPrompts(String url, HttpClient client, Map<String, String> headers) throws IOException {
        long end = System.nanoTime() + LONG_PROMPTS.toNanos();
        int words = Math.min(LONG_PROMPT_WORDS, config.maxModelLen() / LONGEST_WORD);
        for (int seed = 0; System.nanoTime() < end; seed++) {
            var prompt = new StringBuilder();
            var random = new SplittableRandom(seed);
            for (int i = 0; i < words; i++) {
                prompt.append(i % 2 == 0 ? " word " : "the ").append(random.nextInt(1000));
            }
            var body = Json.object().put("prompt", prompt.toString()).put("max_tokens", 1);
            client.call("POST", url, headers, bytes(Json.write(body)), REHEARSAL);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
