package bestfit.openai;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Whole answers, with the fields of vLLM 0.32 in its order. */
public final class AnswerFormat {
    /** vLLM writes this for a log-probability of minus infinity, which JSON cannot hold. */
    private static final double FLOOR = -9999.0;

    /**
     * One of the n answers to one prompt.
     *
     * @param stopReason the stop text or the id of the stop token that ended it; null for EOS and length
     * @param logprobs null when not asked for
     * @param promptTokens the prompt's ids where the request wants them; null otherwise
     * @param tokens the same for the answer
     * @param promptLogprobs one entry a prompt token, null for the first; null when not asked for
     */
    public record Choice(
            int index,
            String text,
            String finishReason,
            @Nullable Object stopReason,
            @Nullable List<TokenLogprob> logprobs,
            @Nullable List<Integer> promptTokens,
            @Nullable List<Integer> tokens,
            @Nullable JsonNode promptLogprobs) {}

    private AnswerFormat() {}

    /**
     * What an answer is headed and ended with.
     *
     * @param created Unix time in seconds
     * @param role of who speaks, in chat
     * @param fingerprint of the engine's configuration
     * @param cachedTokens of the prompts, from the prefix cache; null where it is not told
     * @param promptText of chat, where the request wants it
     */
    public record Frame(
            String id,
            long created,
            String model,
            String role,
            String fingerprint,
            Usage usage,
            @Nullable Integer cachedTokens,
            @Nullable String promptText) {}

    public static ObjectNode chat(Frame frame, List<Choice> choices) {
        var answer = head(frame, "chat.completion");
        var list = answer.putArray("choices");
        for (var choice : choices) {
            var node = list.addObject().put("index", choice.index);
            node.putObject("message")
                    .put("role", frame.role)
                    .put("content", choice.text)
                    .putNull("refusal")
                    .putNull("annotations")
                    .putNull("audio")
                    .putNull("function_call")
                    .putNull("reasoning");
            node.set("logprobs", choice.logprobs == null ? null : chatLogprobs(choice.logprobs));
            node.put("finish_reason", choice.finishReason);
            putStop(node, choice.stopReason);
            node.set("token_ids", ids(choice.tokens));
            node.putNull("routed_experts");
        }
        tail(answer, frame, 0);
        var first = choices.getFirst();
        answer.set("prompt_logprobs", first.promptLogprobs);
        answer.set("prompt_token_ids", ids(first.promptTokens));
        answer.put("prompt_text", frame.promptText);
        return transfers(answer);
    }

    public static ObjectNode completion(Frame frame, List<Choice> choices) {
        var answer = head(frame, "text_completion");
        var list = answer.putArray("choices");
        for (var choice : choices) {
            var node = list.addObject().put("index", choice.index).put("text", choice.text);
            node.set("logprobs", choice.logprobs == null ? null : completionLogprobs(choice.logprobs, 0));
            node.put("finish_reason", choice.finishReason);
            putStop(node, choice.stopReason);
            node.set("token_ids", ids(choice.tokens));
            node.set("prompt_logprobs", choice.promptLogprobs);
            node.set("prompt_token_ids", ids(choice.promptTokens));
            node.putNull("routed_experts");
        }
        tail(answer, frame, null);
        return transfers(answer);
    }

    private static ObjectNode head(Frame frame, String object) {
        return Json.object()
                .put("id", frame.id)
                .put("object", object)
                .put("created", frame.created)
                .put("model", frame.model);
    }

    private static void tail(ObjectNode answer, Frame frame, @Nullable Integer createdCacheTokens) {
        answer.putNull("service_tier").put("system_fingerprint", frame.fingerprint);
        var usage = frame.usage.json();
        if (frame.cachedTokens == null) {
            usage.putNull("prompt_tokens_details");
        } else {
            usage.putObject("prompt_tokens_details")
                    .put("cached_tokens", frame.cachedTokens)
                    .put("created_cache_tokens", createdCacheTokens)
                    .putNull("multimodal_tokens");
        }
        answer.set("usage", usage.putNull("completion_tokens_details"));
    }

    private static void putStop(ObjectNode node, @Nullable Object reason) {
        if (reason instanceof Integer token) {
            node.put("stop_reason", token);
        } else {
            node.put("stop_reason", (String) reason);
        }
    }

    private static @Nullable ArrayNode ids(@Nullable List<Integer> tokens) {
        if (tokens == null) {
            return null;
        }
        var list = Json.array();
        tokens.forEach(list::add);
        return list;
    }

    private static ObjectNode transfers(ObjectNode answer) {
        return answer.putNull("kv_transfer_params")
                .putNull("ec_transfer_params")
                .putNull("metrics");
    }

    /** A log-probability as JSON can hold it. */
    public static double finite(double logprob) {
        return Double.isInfinite(logprob) ? FLOOR : logprob;
    }

    static ObjectNode chatLogprobs(List<TokenLogprob> tokens) {
        var node = Json.object();
        var content = node.putArray("content");
        for (var token : tokens) {
            var entry = entry(content.addObject(), token.token(), token.text(), token.logprob());
            var top = entry.putArray("top_logprobs");
            for (var other : token.top()) {
                entry(top.addObject(), other.token(), other.token(), other.logprob());
            }
        }
        return node;
    }

    private static ObjectNode entry(ObjectNode node, String token, @Nullable String text, double logprob) {
        node.put("token", token).put("logprob", finite(logprob));
        if (text == null) {
            return node.putNull("bytes");
        }
        var bytes = node.putArray("bytes");
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(each & 0xff);
        }
        return node;
    }

    /** @param textOffset characters of the answer before the first of these tokens */
    static ObjectNode completionLogprobs(List<TokenLogprob> tokens, int textOffset) {
        var node = Json.object();
        var offsets = node.putArray("text_offset");
        var logprobs = node.putArray("token_logprobs");
        var texts = node.putArray("tokens");
        var tops = node.putArray("top_logprobs");
        int offset = textOffset;
        for (var token : tokens) {
            offsets.add(offset);
            offset += token.characters();
            texts.add(token.token());
            // The first token of an echoed prompt has none.
            if (Double.isNaN(token.logprob())) {
                logprobs.addNull();
                tops.addNull();
                continue;
            }
            logprobs.add(finite(token.logprob()));
            var top = tops.addObject();
            for (var other : token.top()) {
                top.put(other.token(), finite(other.logprob()));
            }
        }
        return node;
    }
}
