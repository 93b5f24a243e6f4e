package bestfit.args;

import static bestfit.args.ArgEffect.CHANGES_ANSWERS;
import static bestfit.args.ArgEffect.MAY_MOVE_LAST_BITS;
import static bestfit.args.ArgEffect.PERFORMANCE;
import static bestfit.args.ArgEffect.PLUMBING;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * vLLM's common flags with their effect on answers. The first group follows the guide's table of parameters that affect
 * inference; a flag that is not listed counts as one that may change answers.
 */
public final class ArgCatalogue {
    private static final Map<String, ArgSpec> SPECS = new LinkedHashMap<>();

    static {
        valued(
                CHANGES_ANSWERS,
                "--model --tokenizer --revision --tokenizer-revision --code-revision --dtype --quantization"
                        + " --kv-cache-dtype --max-model-len --speculative-config --speculative-model --hf-overrides"
                        + " --rope-scaling --rope-theta --chat-template --generation-config"
                        + " --override-generation-config --lora-modules --logits-processors --logprobs-mode"
                        + " --max-logprobs --seed --tokenizer-mode --load-format --runner --task");
        switches(
                CHANGES_ANSWERS,
                "--enable-lora --calculate-kv-scales --disable-sliding-window --trust-remote-code --enable-reasoning");
        valued(
                MAY_MOVE_LAST_BITS,
                "--tensor-parallel-size --pipeline-parallel-size --data-parallel-size --decode-context-parallel-size"
                        + " --attention-backend --moe-backend --all2all-backend --compilation-config"
                        + " --cuda-graph-sizes --cudagraph-capture-sizes --block-size --mm-encoder-tp-mode");
        switches(
                MAY_MOVE_LAST_BITS,
                "--enforce-eager --enable-expert-parallel --enable-eplb --disable-custom-all-reduce"
                        + " --enable-chunked-prefill --no-enable-chunked-prefill --enable-prefix-caching"
                        + " --no-enable-prefix-caching --enable-dbo --disable-cascade-attn");
        valued(
                PERFORMANCE,
                "--max-num-seqs --max-num-batched-tokens --gpu-memory-utilization --num-gpu-blocks-override"
                        + " --swap-space --cpu-offload-gb --kv-cache-memory-bytes --max-num-partial-prefills"
                        + " --max-long-partial-prefills --long-prefill-token-threshold --num-scheduler-steps"
                        + " --scheduling-policy --preemption-mode --max-parallel-loading-workers"
                        + " --distributed-executor-backend --api-server-count --max-seq-len-to-capture"
                        + " --stream-interval");
        switches(PERFORMANCE, "--async-scheduling --no-async-scheduling --enable-flashinfer-autotune");
        valued(
                PLUMBING,
                "--host --port --served-model-name --api-key --download-dir --tool-call-parser --reasoning-parser"
                        + " --worker-extension-cls --uvicorn-log-level --max-log-len --response-role --root-path"
                        + " --ssl-keyfile --ssl-certfile --otlp-traces-endpoint");
        switches(
                PLUMBING,
                "--enable-auto-tool-choice --disable-log-stats --disable-log-requests --enable-log-requests"
                        + " --disable-uvicorn-access-log --enable-server-load-tracking");
    }

    private ArgCatalogue() {}

    private static void valued(ArgEffect effect, String flags) {
        put(effect, 1, flags);
    }

    private static void switches(ArgEffect effect, String flags) {
        put(effect, 0, flags);
    }

    private static void put(ArgEffect effect, int values, String flags) {
        for (var flag : flags.split(" ", -1)) {
            SPECS.put(flag, new ArgSpec(flag, effect, values));
        }
    }

    /** A flag in any spelling; empty if it is not listed. */
    public static Optional<ArgSpec> find(String flag) {
        return VllmArgs.flagOf(flag).map(SPECS::get);
    }

    /** The flag's effect; {@link ArgEffect#CHANGES_ANSWERS} if it is not listed, which is the careful guess. */
    public static ArgEffect effect(String flag) {
        return find(flag).map(ArgSpec::effect).orElse(CHANGES_ANSWERS);
    }

    /** All that is known, in the order of the catalogue. */
    public static List<ArgSpec> all() {
        return List.copyOf(SPECS.values());
    }
}
