package bestfit.engine;

import bestfit.model.EmbeddedSizes;
import bestfit.openai.TokenStyle;
import bestfit.perf.EngineVersion;
import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The engine's command line as read, before anything is known of the model.
 *
 * @param maxModelLen empty: the model's own; -1: what the KV cache holds
 * @param release of vLLM that scheduler and defaults follow
 * @param chunkedPrefill empty: the release's default
 * @param performanceMode balanced, interactivity or throughput: the last doubles the limits that are not given
 * @param partialPrefills V0's limits on prompts that are computed in chunks at a time
 * @param watermark share of the blocks that new sequences leave free
 * @param reserveFullIsl a prompt is admitted only if all of it has room
 * @param asyncScheduling a step is made while the one before runs, where the devices allow it
 * @param streamInterval tokens that a stream gathers before its next event
 * @param shutdownSeconds that requests in flight have to end at SIGTERM
 * @param simulation empty: computed for real on this machine's cores
 * @param deviceMemoryBytes memory of one device; the embedded model is given little, so that layouts differ as on GPUs
 * @param devices how many this engine may use
 * @param given what was given, flag without dashes to value, for the log
 */
public record EngineArgs(
        String model,
        String release,
        List<String> servedNames,
        String host,
        int port,
        int tensorParallel,
        int pipelineParallel,
        OptionalInt maxModelLen,
        OptionalInt maxNumSeqs,
        OptionalInt maxNumBatchedTokens,
        int blockSize,
        double memoryUtilization,
        String dtype,
        long seed,
        boolean prefixCaching,
        Optional<Boolean> chunkedPrefill,
        String performanceMode,
        boolean priorityScheduling,
        int longPrefillThreshold,
        PartialPrefills partialPrefills,
        double watermark,
        boolean reserveFullIsl,
        boolean asyncScheduling,
        int streamInterval,
        OptionalInt blocksOverride,
        OptionalLong kvCacheBytes,
        int maxLogprobs,
        List<String> apiKeys,
        boolean logStats,
        boolean accessLog,
        Set<String> quietEndpoints,
        int shutdownSeconds,
        List<Fault> faults,
        Optional<Simulation> simulation,
        long deviceMemoryBytes,
        int devices,
        Map<String, String> given) {

    /** What this engine follows unless told. */
    static final String NEWEST = "0.33.0";

    /** vLLM's default share of a device's memory before 0.20. */
    private static final double OLD_UTILIZATION = 0.9;

    /** Minor release since which prompts are admitted only if all of them has room. */
    private static final int RESERVES_SINCE = 19;

    static final String DTYPES = "auto bfloat16 float float16 float32 half";

    /**
     * Reads a command line in any form that vLLM takes: {@code MODEL --flag value …} or {@code --model MODEL …}.
     *
     * @param visibleDevices those a node hands out; empty: all of the simulated or this machine's
     * @throws ArgumentError on what argparse refuses: unknown flags, values of the wrong kind
     */
    public static EngineArgs read(List<String> tokens, OptionalInt visibleDevices) throws ArgumentError {
        var reader = ArgReader.of(tokens);
        reader.checkObject("--override-generation-config");
        int tp = reader.whole("--tensor-parallel-size", 1, 1);
        int pp = reader.whole("--pipeline-parallel-size", 1, 1);
        var model = reader.model();
        var simulation = reader.simulation();
        var release = reader.release();
        var version = EngineVersion.of(release);
        reader.checkTaken(version);
        var names = reader.many("--served-model-name");
        return new EngineArgs(
                model,
                release,
                names.isEmpty() ? List.of(model) : names,
                reader.text("--host", "127.0.0.1"),
                reader.port(),
                tp,
                pp,
                reader.maxModelLen(),
                reader.optional("--max-num-seqs", 1),
                reader.optional("--max-num-batched-tokens", 1),
                reader.whole("--block-size", EmbeddedSizes.BLOCK_TOKENS, 1),
                reader.fraction(
                        "--gpu-memory-utilization",
                        version.minor() >= 20 ? EmbeddedSizes.UTILIZATION : OLD_UTILIZATION),
                reader.choice("--dtype", "auto", DTYPES),
                reader.whole("--seed", 0, Integer.MIN_VALUE),
                reader.on("enable-prefix-caching", !version.v0()),
                reader.has("enable-chunked-prefill")
                        ? Optional.of(reader.on("enable-chunked-prefill", true))
                        : Optional.empty(),
                reader.choice("--performance-mode", "balanced", "balanced interactivity throughput"),
                reader.choice("--scheduling-policy", "fcfs", "fcfs priority").equals("priority"),
                reader.whole("--long-prefill-token-threshold", 0, 0),
                new PartialPrefills(
                        reader.whole("--max-num-partial-prefills", 1, 1),
                        reader.whole("--max-long-partial-prefills", 1, 1)),
                reader.share("--watermark"),
                version.minor() >= RESERVES_SINCE && reader.on("scheduler-reserve-full-isl", true),
                reader.on("async-scheduling", version.async()),
                reader.whole("--stream-interval", 1, 1),
                reader.optional("--num-gpu-blocks-override", Integer.MIN_VALUE),
                reader.kvCacheBytes(),
                reader.whole("--max-logprobs", 20, -1),
                reader.many("--api-key"),
                !reader.on("disable-log-stats", false),
                !reader.on("disable-uvicorn-access-log", false),
                Set.of(String.join(",", reader.many("--disable-access-log-for-endpoints"))
                        .split(",", -1)),
                reader.whole("--shutdown-timeout", 0, 0),
                Fault.parse(reader.text("--fault", ""), tp, pp),
                simulation,
                reader.bytes("--device-memory")
                        .orElse(simulation
                                .map(simulated -> simulated.server().gpu().memoryBytes())
                                .orElse(EmbeddedSizes.DEVICE_BYTES)),
                reader.whole("--devices", visibleDevices.orElse(devices(simulation)), 1),
                Map.copyOf(reader.shown()));
    }

    private static int devices(Optional<Simulation> simulation) {
        return simulation.map(Simulation::devices).orElse(Runtime.getRuntime().availableProcessors());
    }

    EngineVersion version() {
        return EngineVersion.of(release);
    }

    public String servedName() {
        return servedNames.getFirst();
    }

    /** True when it answers as gonka's fork of vLLM does. */
    boolean gonka() {
        return given.containsKey("gonka");
    }

    TokenStyle tokenStyle() {
        return given.containsKey("return_tokens_as_token_ids") ? TokenStyle.PREFIXED_ID : TokenStyle.TEXT;
    }

    /** gonka's fork has another default than vLLM. */
    boolean processedLogprobs() {
        return given.getOrDefault("logprobs_mode", gonka() ? "processed_logprobs" : "raw_logprobs")
                .equals("processed_logprobs");
    }

    /** The fault of a kind, if it is to happen. */
    Optional<Fault> fault(Fault.Kind kind) {
        return faults.stream().filter(fault -> fault.kind() == kind).findFirst();
    }
}
