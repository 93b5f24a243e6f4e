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
        var config = json.get("config");
        boolean v0 = json.get("mode").asString().startsWith("v0");
        return new TraceCase(
                json.get("case").asInt(),
                json.get("kind").asString(),
                v0 ? v0Config(config) : v1Config(json.get("vllm").asString(), config),
                "swap".equals(config.path("preemption_mode").asString("")),
                requests(json.get("requests")),
                json.get("end").asString(),
                json.get("steps"));
    }

    private static SchedulerConfig v1Config(String release, JsonNode config) {
        return new SchedulerConfig(
                Version.ofV1Release(release),
                config.get("max_num_seqs").asInt(),
                config.get("max_num_batched_tokens").asInt(),
                config.get("max_model_len").asInt(),
                config.get("block_size").asInt(),
                config.get("num_gpu_blocks").asInt(),
                config.get("enable_prefix_caching").asBoolean(),
                config.get("enable_chunked_prefill").asBoolean(),
                config.get("long_prefill_token_threshold").asInt(),
                policy(config),
                config.get("watermark").asDouble(0),
                config.get("reserve_full_isl").asBoolean(),
                config.get("async").asBoolean(),
                config.get("pp").asInt(),
                PartialPrefills.ONE);
    }

    private static SchedulerConfig v0Config(JsonNode config) {
        return new SchedulerConfig(
                Version.V0,
                config.get("max_num_seqs").asInt(),
                config.get("max_num_batched_tokens").asInt(),
                config.get("max_model_len").asInt(),
                config.get("block_size").asInt(),
                config.get("num_gpu_blocks").asInt(),
                config.get("enable_prefix_caching").asBoolean(),
                config.get("enable_chunked_prefill").asBoolean(),
                config.get("long_prefill_token_threshold_effective").asInt(),
                policy(config),
                config.get("watermark").asDouble(),
                false,
                config.get("async_output_proc").asBoolean(),
                1,
                new PartialPrefills(
                        config.get("max_num_partial_prefills").asInt(),
                        config.get("max_long_partial_prefills").asInt()));
    }

    private static Policy policy(JsonNode config) {
        return "priority".equals(config.get("scheduling_policy").asString()) ? Policy.PRIORITY : Policy.FCFS;
    }

    private static List<Request> requests(JsonNode json) {
        var requests = new ArrayList<Request>();
        Map<String, Request> byId = new HashMap<>();
        for (var node : json) {
            var prompt = node.get("prompt");
            var request = new Request(
                    node.get("id").asString(),
                    node.get("arrival_step").asInt(),
                    prompt.get("len").asInt(),
                    prompt.get("seed").asLong(),
                    byId.get(prompt.get("shared_prefix_of").asString("")),
                    prompt.get("shared_len").asInt(),
                    node.get("max_tokens").asInt(),
                    node.get("priority").asInt(),
                    node.get("stop_at").asInt(-1),
                    node.get("abort_at_step").asInt(-1),
                    "mid".equals(node.get("abort_phase").asString("")) ? AbortPhase.MID : AbortPhase.START);
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
