package bestfit.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The flags that the embedded engine takes: vLLM's, and its own. A flag that is not here is refused as argparse does. */
final class VllmFlags {
    /** How many tokens follow a flag. */
    enum Kind {
        /** None; {@code --no-x} exists too. */
        SWITCH,
        ONE,
        /** Up to the next flag. */
        MANY
    }

    private static final Map<String, Kind> KINDS = new HashMap<>();

    static {
        // The engine's own.
        put(Kind.ONE, "fault device-memory devices simulate time-scale");
        // Read and obeyed.
        put(
                Kind.ONE,
                "model model-tag host port tensor-parallel-size pipeline-parallel-size data-parallel-size max-model-len"
                        + " max-num-seqs max-num-batched-tokens block-size gpu-memory-utilization dtype seed"
                        + " scheduling-policy kv-cache-dtype num-gpu-blocks-override kv-cache-memory-bytes max-logprobs"
                        + " quantization speculative-config cpu-offload-gb long-prefill-token-threshold"
                        + " decode-context-parallel-size load-format");
        put(Kind.MANY, "served-model-name api-key disable-access-log-for-endpoints");
        put(
                Kind.SWITCH,
                "enable-prefix-caching enable-chunked-prefill enforce-eager disable-log-stats"
                        + " disable-uvicorn-access-log enable-lora enable-expert-parallel");
        // Without a meaning on a CPU, or changing only what is logged or loaded: taken, listed in the banner.
        put(
                Kind.ONE,
                "swap-space max-num-partial-prefills max-long-partial-prefills distributed-executor-backend"
                        + " num-scheduler-steps max-seq-len-to-capture preemption-mode max-parallel-loading-workers"
                        + " compilation-config optimization-level cudagraph-capture-sizes cuda-graph-sizes"
                        + " max-cudagraph-capture-size attention-backend performance-mode stream-interval tokenizer"
                        + " tokenizer-mode revision tokenizer-revision code-revision download-dir config-format"
                        + " generation-config uvicorn-log-level max-log-len response-role root-path api-server-count"
                        + " otlp-traces-endpoint prefix-caching-hash-algo watermark logprobs-mode runner task"
                        + " tool-call-parser reasoning-parser chat-template-content-format shutdown-timeout"
                        + " worker-extension-cls worker-cls all2all-backend moe-backend mm-processor-cache-gb device"
                        + " middleware ssl-keyfile ssl-certfile allowed-origins model-impl scheduler-delay-factor");
        put(
                Kind.SWITCH,
                "trust-remote-code disable-log-requests enable-log-requests disable-custom-all-reduce"
                        + " enable-server-load-tracking enable-auto-tool-choice async-scheduling"
                        + " disable-frontend-multiprocessing enable-prompt-tokens-details disable-cascade-attn"
                        + " enable-logging-iteration-details enable-request-id-headers use-v2-block-manager"
                        + " disable-fastapi-docs disable-async-output-proc scheduler-reserve-full-isl"
                        + " enable-flashinfer-autotune enable-eplb enable-dbo calculate-kv-scales"
                        + " disable-sliding-window use-tqdm-on-load enable-sleep-mode");
    }

    /** Flags whose feature the engine lacks: anything but these values is refused at start, never ignored. */
    static final Map<String, Set<String>> ONLY = Map.of(
            "--quantization", Set.of("none", "None"),
            "--speculative-config", Set.of(),
            "--kv-cache-dtype", Set.of("auto"),
            "--cpu-offload-gb", Set.of("0", "0.0"),
            "--data-parallel-size", Set.of("1"),
            "--decode-context-parallel-size", Set.of("1"),
            "--logprobs-mode", Set.of("raw_logprobs"));

    /** What simulated GPUs take besides. */
    static final Map<String, Set<String>> ONLY_SIMULATED = Map.of(
            "--quantization", Set.of("fp8"),
            "--kv-cache-dtype", Set.of("fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16", "float16"));

    private VllmFlags() {}

    private static void put(Kind kind, String names) {
        for (var name : names.split(" ", -1)) {
            KINDS.put("--" + name, kind);
            if (kind == Kind.SWITCH) {
                KINDS.put("--no-" + name, kind);
            }
        }
    }

    /** Null when the flag is unknown. {@code --compilation-config.mode} counts as {@code --compilation-config}. */
    static @org.jspecify.annotations.Nullable Kind kind(String flag) {
        int dot = flag.indexOf('.');
        return KINDS.get(dot < 0 ? flag : flag.substring(0, dot));
    }
}
