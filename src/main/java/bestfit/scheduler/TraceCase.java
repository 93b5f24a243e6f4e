package bestfit.scheduler;

import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One recorded run of a vLLM scheduler: its config, the requests, and what was decided turn by turn.
 *
 * @param end how the recording ended: {@code done}, {@code stuck}, {@code step_limit} or {@code error: …}
 */
record TraceCase(
        int number,
        String kind,
        SchedulerConfig config,
        boolean swaps,
        List<Request> requests,
        String end,
        JsonNode rows) {

    /** Ends a sequence; the only stop token of the traces. */
    private static final int STOP_TOKEN = 2;

    /** Whether an abort comes before the turn's step or while it runs. */
    enum AbortPhase {
        START,
        MID
    }

    /** A request of the trace: when it comes and goes, and every token it will ever have. */
    record Request(
            String id,
            int arrivalStep,
            int promptLength,
            long seed,
            @Nullable Request sharedPrefixOf,
            int sharedLength,
            int maxTokens,
            int priority,
            int stopAt,
            int abortStep,
            AbortPhase abortPhase) {

        Sequence sequence() {
            var prompt = new int[promptLength];
            for (int i = 0; i < promptLength; i++) {
                prompt[i] = token(i);
            }
            return new Sequence(id, prompt, priority, new Sequence.Limits(maxTokens, 0, new int[] {STOP_TOKEN}));
        }

        /** Token at a position, prompt and output alike. */
        int token(int index) {
            if (index < sharedLength && sharedPrefixOf != null) {
                return sharedPrefixOf.token(index);
            }
            if (index < promptLength) {
                return pseudoToken("p" + seed, index);
            }
            return index - promptLength + 1 == stopAt ? STOP_TOKEN : pseudoToken(id, index);
        }
    }

    static TraceCase read(JsonNode json) {
        var config = json.required("config");
        boolean v0 = json.required("mode").asString().startsWith("v0");
        return new TraceCase(
                json.required("case").asInt(),
                json.required("kind").asString(),
                v0 ? v0Config(config) : v1Config(json.required("vllm").asString(), config),
                "swap".equals(config.path("preemption_mode").asString("")),
                requests(json.required("requests")),
                json.required("end").asString(),
                json.required("steps"));
    }

    private static SchedulerConfig v1Config(String release, JsonNode config) {
        return new SchedulerConfig(
                Version.ofV1Release(release),
                config.required("max_num_seqs").asInt(),
                config.required("max_num_batched_tokens").asInt(),
                config.required("max_model_len").asInt(),
                config.required("block_size").asInt(),
                config.required("num_gpu_blocks").asInt(),
                config.required("enable_prefix_caching").asBoolean(),
                config.required("enable_chunked_prefill").asBoolean(),
                config.required("long_prefill_token_threshold").asInt(),
                policy(config),
                config.required("watermark").asDouble(0),
                config.required("reserve_full_isl").asBoolean(),
                config.required("async").asBoolean(),
                config.required("pp").asInt(),
                PartialPrefills.ONE);
    }

    private static SchedulerConfig v0Config(JsonNode config) {
        return new SchedulerConfig(
                Version.V0,
                config.required("max_num_seqs").asInt(),
                config.required("max_num_batched_tokens").asInt(),
                config.required("max_model_len").asInt(),
                config.required("block_size").asInt(),
                config.required("num_gpu_blocks").asInt(),
                config.required("enable_prefix_caching").asBoolean(),
                config.required("enable_chunked_prefill").asBoolean(),
                config.required("long_prefill_token_threshold_effective").asInt(),
                policy(config),
                config.required("watermark").asDouble(),
                false,
                config.required("async_output_proc").asBoolean(),
                1,
                new PartialPrefills(
                        config.required("max_num_partial_prefills").asInt(),
                        config.required("max_long_partial_prefills").asInt()));
    }

    private static Policy policy(JsonNode config) {
        return "priority".equals(config.required("scheduling_policy").asString()) ? Policy.PRIORITY : Policy.FCFS;
    }

    private static List<Request> requests(JsonNode json) {
        var requests = new ArrayList<Request>();
        Map<String, Request> byId = new HashMap<>();
        for (var node : json) {
            var prompt = node.required("prompt");
            var request = new Request(
                    node.required("id").asString(),
                    node.required("arrival_step").asInt(),
                    prompt.required("len").asInt(),
                    prompt.required("seed").asLong(),
                    byId.get(prompt.required("shared_prefix_of").asString("")),
                    prompt.required("shared_len").asInt(),
                    node.required("max_tokens").asInt(),
                    node.required("priority").asInt(),
                    node.required("stop_at").asInt(-1),
                    node.required("abort_at_step").asInt(-1),
                    "mid".equals(node.required("abort_phase").asString("")) ? AbortPhase.MID : AbortPhase.START);
            byId.put(request.id(), request);
            requests.add(request);
        }
        return requests;
    }

    /** The traces' made-up token {@code index} of a name, from 3 to 31999. */
    static int pseudoToken(String name, int index) {
        int hash = 0x811C9DC5;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * 0x01000193;
        }
        int x = hash ^ index * 0x9E3779B1;
        x = (x ^ x >>> 16) * 0x85EBCA6B;
        x = (x ^ x >>> 13) * 0xC2B2AE35;
        x ^= x >>> 16;
        return 3 + Integer.remainderUnsigned(x, 31997);
    }
}
