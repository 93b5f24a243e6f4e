package bestfit.engine;

import bestfit.model.Architecture;
import bestfit.model.Dtype;
import bestfit.model.EmbeddedSizes;
import bestfit.model.Model;
import bestfit.model.ModelSpec;
import bestfit.perf.Instance;
import bestfit.scheduler.SchedulerConfig;
import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything decided: args, model and memory together.
 *
 * @param blocks KV blocks of the instance
 * @param simulated what the performance model knows of it; null when it is computed
 */
record EngineConfig(
        EngineArgs args,
        Dtype dtype,
        int maxModelLen,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        boolean chunkedPrefill,
        DeviceMemory memory,
        int blocks,
        @Nullable Instance simulated) {
    private static final int DEFAULT_SEQUENCES = EmbeddedSizes.SEQUENCES;
    private static final int DEFAULT_BATCHED_TOKENS = EmbeddedSizes.BATCHED_TOKENS;
    private static final long LARGE_BYTES = 70L << 30;
    private static final int LARGE_SEQUENCES = 1024;
    private static final int LARGE_BATCHED_TOKENS = 8192;

    /** V0 cuts prompts into chunks by itself only where contexts are longer. */
    private static final int V0_CHUNKED_FROM = 32_768;

    private static final double V0_WATERMARK = 0.01;
    private static final double V0_LONG_SHARE = 0.04;

    /**
     * Checks the args against model and devices in vLLM's order.
     *
     * @throws StartFailure with vLLM's words
     */
    static EngineConfig decide(EngineArgs args, Model model) throws StartFailure {
        var spec = model.spec();
        checkFeatures(args, spec);
        checkPartialPrefills(args);
        checkLayout(args, spec);
        var dtype = args.dtype().equals("auto")
                ? spec.dtype()
                : Dtype.parse(args.dtype()).orElseThrow();
        boolean fit = args.maxModelLen().orElse(0) == -1;
        int maxModelLen = fit ? spec.maxPositions() : args.maxModelLen().orElse(spec.maxPositions());
        if (maxModelLen > spec.maxPositions()) {
            throw StartFailure.config("User-specified max_model_len (" + maxModelLen
                    + ") is greater than the derived max_model_len (max_position_embeddings=" + spec.maxPositions()
                    + " or model_max_length=None in model's config.json). To allow overriding this maximum, set the env"
                    + " var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. VLLM_ALLOW_LONG_MAX_MODEL_LEN must be used with extreme"
                    + " caution. If the model uses relative position encoding (RoPE), positions exceeding"
                    + " derived_max_model_len lead to nan. If the model uses absolute position encoding, positions"
                    + " exceeding derived_max_model_len will cause a CUDA array out-of-bounds error.");
        }
        int sequences = args.maxNumSeqs().orElse(factor(args) * (isLarge(args) ? LARGE_SEQUENCES : DEFAULT_SEQUENCES));
        boolean v0 = args.version().v0();
        boolean chunked = args.chunkedPrefill().orElse(!v0 || maxModelLen > V0_CHUNKED_FROM);
        int tokens = batchedTokens(args, maxModelLen, sequences, chunked);
        if (args.maxNumSeqs().isEmpty()) {
            sequences = Math.min(sequences, tokens);
        }
        if (tokens < sequences) {
            throw StartFailure.config("max_num_batched_tokens (" + tokens
                    + ") must be greater than or equal to max_num_seqs (" + sequences + ").");
        }
        if (!chunked && args.partialPrefills().max() > 1) {
            throw StartFailure.config("Chunked prefill must be enabled to set max_num_partial_prefills > 1.");
        }
        if (!chunked && tokens < maxModelLen) {
            throw StartFailure.config("max_num_batched_tokens (" + tokens + ") is smaller than max_model_len ("
                    + maxModelLen + "). This effectively limits the maximum sequence length to max_num_batched_tokens"
                    + " and makes vLLM reject longer sequences. Please increase max_num_batched_tokens or decrease"
                    + " max_model_len.");
        }
        var simulation = args.simulation();
        var instance = simulation.isEmpty()
                ? null
                : simulation.get().instance(args, Simulation.card(model), maxModelLen, sequences, tokens);
        var memory = instance == null
                ? DeviceMemory.computed(args, spec, tokens, sequences)
                : DeviceMemory.simulated(args, instance);
        int blocks = blocks(args, memory);
        // The scheduler keeps one block as its null block.
        long stored = (blocks - 1L) * args.blockSize();
        if (fit) {
            maxModelLen = (int) Math.min(maxModelLen, stored);
        } else if (stored < maxModelLen) {
            throw StartFailure.engine(
                    v0 ? kvTooSmallInV0(maxModelLen, stored) : kvTooSmall(args, memory, maxModelLen, stored));
        }
        return new EngineConfig(args, dtype, maxModelLen, sequences, tokens, chunked, memory, blocks, instance);
    }

    private static String kvTooSmallInV0(int maxModelLen, long stored) {
        return "The model's max seq len (" + maxModelLen
                + ") is larger than the maximum number of tokens that can be stored in KV cache (" + stored
                + "). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the"
                + " engine.";
    }

    private static String kvTooSmall(EngineArgs args, DeviceMemory memory, int maxModelLen, long stored) {
        long needed = Math.ceilDiv(maxModelLen, args.blockSize()) * memory.blockBytes();
        long available = (stored / args.blockSize() + 1) * memory.blockBytes();
        return "To serve at least one request with the model's max seq len (" + maxModelLen + "), ("
                + roundedGib(needed)
                + " GiB KV cache is needed, which is larger than the available KV cache memory ("
                + roundedGib(available)
                + " GiB). Based on the available memory, the estimated maximum model length is " + stored
                + ". Try increasing `gpu_memory_utilization` (which also controls CPU memory on the CPU backend) or"
                + " decreasing `max_model_len` when initializing the engine. See"
                + " https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.";
    }

    /** As Python writes it: 24.0, 0.02. */
    private static double roundedGib(long bytes) {
        return Math.round(100.0 * bytes / (1L << 30)) / 100.0;
    }

    private static int batchedTokens(EngineArgs args, int maxModelLen, int sequences, boolean chunked) {
        if (args.maxNumBatchedTokens().isPresent()) {
            return args.maxNumBatchedTokens().getAsInt();
        }
        int usual = factor(args) * (isLarge(args) ? LARGE_BATCHED_TOKENS : DEFAULT_BATCHED_TOKENS);
        int tokens = chunked ? usual : Math.max(usual, maxModelLen);
        return (int) Math.min(tokens, (long) sequences * maxModelLen);
    }

    /** Of vLLM's default limits. */
    private static int factor(EngineArgs args) {
        return args.performanceMode().equals("throughput") ? 2 : 1;
    }

    /** vLLM's default limits are greater on GPUs with 70 GiB or more, A100 excepted. */
    private static boolean isLarge(EngineArgs args) {
        return args.simulation()
                .map(simulation -> simulation.server().gpu())
                .filter(gpu -> !args.version().v0()
                        && gpu.memoryBytes() >= LARGE_BYTES
                        && !gpu.name().startsWith("a100"))
                .isPresent();
    }

    private static void checkFeatures(EngineArgs args, ModelSpec spec) throws StartFailure {
        if (args.simulation().isEmpty() && !spec.architecture().computed()) {
            throw StartFailure.config(
                    "Model architectures ['" + spec.architecture().label()
                            + "'] are not supported for now. Supported architectures: " + Architecture.computedOnes());
        }
        if (args.simulation().isEmpty() && args.version().v0()) {
            throw StartFailure.config("--engine-version " + args.release()
                    + ": the V0 engine is there for simulated GPUs only; give --simulate too.");
        }
        for (var only : VllmFlags.ONLY.entrySet()) {
            var value = args.given().get(only.getKey().substring(2).replace('-', '_'));
            boolean any = VllmFlags.ANY_SIMULATED.contains(only.getKey());
            boolean simulated = args.simulation().isPresent()
                    && (any
                            || VllmFlags.ONLY_SIMULATED
                                    .getOrDefault(only.getKey(), Set.of())
                                    .contains(value == null ? "" : value));
            if (value != null && !simulated && !only.getValue().contains(value)) {
                throw StartFailure.config("The embedded engine does not support " + only.getKey() + " " + value
                        + (any
                                ? " on this machine's cores, whose weights are in host memory already; give --simulate"
                                : "")
                        + (only.getValue().isEmpty()
                                ? "; leave it out."
                                : "; allowed: " + String.join(", ", only.getValue()) + "."));
            }
        }
        if (args.given().containsKey("enable_lora")) {
            throw StartFailure.config("The embedded engine does not support --enable-lora; leave it out.");
        }
    }

    private static void checkPartialPrefills(EngineArgs args) throws StartFailure {
        var limits = args.partialPrefills();
        if (!args.version().v0() && !limits.equals(PartialPrefills.ONE)) {
            throw StartFailure.config(
                    "NotImplementedError: Concurrent Partial Prefill is not supported. We recommend to"
                            + " remove Concurrent Partial Prefill from your config.");
        }
        if (limits.maxLong() > limits.max()) {
            throw StartFailure.config("max_long_partial_prefills (" + limits.maxLong()
                    + ") must be greater than or equal to 1 and less than or equal to max_num_partial_prefills ("
                    + limits.max() + ").");
        }
    }

    /** Where several prompts are computed in chunks at a time, V0 takes those for long that exceed a share of the context. */
    private int longPrefillThreshold() {
        return args.partialPrefills().max() > 1 && args.longPrefillThreshold() == 0
                ? (int) (maxModelLen * V0_LONG_SHARE)
                : args.longPrefillThreshold();
    }

    private static void checkLayout(EngineArgs args, ModelSpec spec) throws StartFailure {
        int tp = args.tensorParallel();
        int pp = args.pipelineParallel();
        if (spec.heads() % tp != 0) {
            throw StartFailure.config("Total number of attention heads (" + spec.heads()
                    + ") must be divisible by tensor parallel size (" + tp + ").");
        }
        if (spec.kvHeads() % tp != 0 && tp % spec.kvHeads() != 0) {
            throw StartFailure.config("Total number of key-value heads (" + spec.kvHeads()
                    + ") must divide or be divisible by tensor parallel size (" + tp + ").");
        }
        if (pp > spec.layers()) {
            throw StartFailure.config("Total number of hidden layers (" + spec.layers()
                    + ") must be at least the pipeline parallel size (" + pp + ").");
        }
        if (tp * pp > args.devices()) {
            throw StartFailure.config("World size (" + tp * pp + ") is larger than the number of available GPUs ("
                    + args.devices() + ") in this node. If this is intentional and you are using:\n- ray, set"
                    + " '--distributed-executor-backend ray'.\n- multiprocessing, set '--nnodes' appropriately.");
        }
    }

    private static int blocks(EngineArgs args, DeviceMemory memory) throws StartFailure {
        // As vLLM does: weights are loaded whatever the utilization; what it bounds is only found missing afterwards.
        if (memory.weights() > memory.total()) {
            throw StartFailure.engine("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate "
                    + ByteSize.show(memory.weights()) + ". GPU 0 has a total capacity of "
                    + ByteSize.show(memory.total()) + " of which " + ByteSize.show(memory.total()) + " is free.");
        }
        long blocks = memory.kvCache() / memory.blockBytes();
        if (args.blocksOverride().isPresent()) {
            blocks = args.blocksOverride().getAsInt();
        }
        if (blocks <= 1) {
            throw StartFailure.engine("No available memory for the cache blocks. Try increasing"
                    + " `gpu_memory_utilization` when initializing the engine (this flag also controls CPU memory"
                    + " reservation on the CPU backend, despite its name). See"
                    + " https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.");
        }
        return (int) Math.min(blocks, Integer.MAX_VALUE / 64);
    }

    /** Tokens that the KV cache has room for; as in vLLM's log one block of them is never given out. */
    long kvTokens() {
        return (long) blocks * args.blockSize();
    }

    /**
     * Whether a step is made before the results of the one before are known. The simulated devices of one stage can; vLLM's first
     * model runner cannot with more stages either.
     */
    boolean schedulesAhead() {
        return args.asyncScheduling()
                && args.simulation().isPresent()
                && !args.version().v0()
                && args.pipelineParallel() == 1;
    }

    SchedulerConfig scheduler() {
        var version = args.version();
        return new SchedulerConfig(
                version.v0() ? SchedulerConfig.Version.V0 : SchedulerConfig.Version.ofV1Release(args.release()),
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                args.blockSize(),
                blocks,
                args.prefixCaching(),
                chunkedPrefill,
                longPrefillThreshold(),
                args.priorityScheduling() ? SchedulerConfig.Policy.PRIORITY : SchedulerConfig.Policy.FCFS,
                version.v0() ? V0_WATERMARK : args.watermark(),
                args.reserveFullIsl(),
                schedulesAhead(),
                args.pipelineParallel(),
                args.partialPrefills());
    }
}
