package bestfit.openai;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads request bodies; every refusal is the one vLLM gives. */
public final class RequestReader {
    /** vLLM's {@code VLLM_MAX_N_SEQUENCES}. */
    private static final int MOST_CHOICES = 16_384;

    private RequestReader() {}

    /**
     * Reads a chat request.
     *
     * @param maxLogprobs the engine's {@code --max-logprobs}; -1 for no limit
     * @throws ApiException with the answer for a body that does not fit
     */
    public static GenerationRequest chat(byte[] bytes, int maxLogprobs) {
        var body = BodyReader.of(bytes);
        if (body.get("tools") != null && !"none".equals(toolChoice(body))) {
            throw refuse(
                    "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set", null);
        }
        boolean wanted = body.flag("logprobs", false);
        int top = body.whole("top_logprobs", 0);
        if (top < 0) {
            throw refuse("`top_logprobs` must be a positive value.", "top_logprobs");
        }
        if (top > 0 && !wanted) {
            throw refuse("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
        }
        var prompt = new Prompt.Chat(messages(body), body.flag("add_generation_prompt", true));
        return new GenerationRequest(
                body.text("model"),
                List.of(prompt),
                true,
                false,
                options(body, wanted ? top : -1, maxLogprobs),
                Enforced.of(body),
                tokenStyle(body),
                processedLogprobs(body));
    }

    private static @Nullable String toolChoice(BodyReader body) {
        var choice = body.get("tool_choice");
        return choice != null && choice.isString() ? choice.stringValue() : null;
    }

    /** Reads a text completion request; {@code prompt} may be a string, strings, token ids, or lists of them. */
    public static GenerationRequest completion(byte[] bytes, int maxLogprobs) {
        var body = BodyReader.of(bytes);
        if (body.text("suffix") != null) {
            throw refuse("suffix is not currently supported", "suffix");
        }
        int bestOf = body.whole("best_of", 1);
        if (bestOf > Math.max(1, body.whole("n", 1))) {
            throw refuse("best_of is not supported", "best_of");
        }
        var prompt = body.get("prompt");
        if (prompt == null) {
            throw refuse("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
        }
        int logprobs = body.whole("logprobs", -1);
        if (body.get("logprobs") != null && logprobs < 0) {
            throw refuse("`logprobs` must be a positive value.", "logprobs");
        }
        return new GenerationRequest(
                body.text("model"),
                prompts(prompt),
                false,
                body.flag("echo", false),
                options(body, logprobs, maxLogprobs),
                null,
                tokenStyle(body),
                processedLogprobs(body));
    }

    private static @Nullable TokenStyle tokenStyle(BodyReader body) {
        return body.flag("return_tokens_as_token_ids", false) ? TokenStyle.PREFIXED_ID : null;
    }

    private static @Nullable Boolean processedLogprobs(BodyReader body) {
        var mode = body.text("logprobs_mode");
        if (mode != null && !mode.equals("raw_logprobs") && !mode.equals("processed_logprobs")) {
            throw refuse(
                    "logprobs_mode must be raw_logprobs or processed_logprobs, got " + mode + ".", "logprobs_mode");
        }
        return mode == null ? null : mode.equals("processed_logprobs");
    }

    /** The conversation of a body that has {@code messages}. */
    public static List<ChatMessage> messages(BodyReader body) {
        var list = body.get("messages");
        if (list == null) {
            throw new ApiException(ApiError.badShape("missing", "body.messages", "Field required"));
        }
        if (!list.isArray()) {
            throw new ApiException(ApiError.badShape("list_type", "body.messages", "Input should be a valid list"));
        }
        if (list.isEmpty()) {
            throw refuse("list object has no element 0", "messages");
        }
        var messages = new ArrayList<ChatMessage>();
        for (var each : list) {
            var role = each.path("role");
            if (!role.isString()) {
                throw new ApiException(
                        ApiError.badShape("missing", "body.messages." + messages.size() + ".role", "Field required"));
            }
            messages.add(new ChatMessage(role.stringValue(), content(each.get("content"))));
        }
        return messages;
    }

    private static String content(@Nullable JsonNode content) {
        if (content == null || content.isNull()) {
            return "";
        }
        if (content.isString()) {
            return content.stringValue();
        }
        var parts = new ArrayList<String>();
        for (var part : content) {
            if (part.isString()) {
                parts.add(part.stringValue());
            } else if (part.path("text").isString()) {
                parts.add(part.path("text").stringValue());
            } else {
                throw refuse(
                        "At most 0 " + part.path("type").asString("image") + "(s) may be provided in one prompt.",
                        null);
            }
        }
        return String.join("\n", parts);
    }

    private static List<Prompt> prompts(JsonNode prompt) {
        if (prompt.isString()) {
            return List.of(new Prompt.Text(prompt.stringValue()));
        }
        if (!prompt.isArray() || prompt.isEmpty()) {
            throw refuse("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
        }
        if (prompt.get(0).isInt()) {
            return List.of(new Prompt.Tokens(BodyReader.wholes("prompt", prompt)));
        }
        var all = new ArrayList<Prompt>();
        for (var each : prompt) {
            all.add(
                    each.isString()
                            ? new Prompt.Text(each.stringValue())
                            : new Prompt.Tokens(BodyReader.wholes("prompt", each)));
        }
        return all;
    }

    private static ApiException refuse(String message, @Nullable String param) {
        return new ApiException(ApiError.badRequest(message, param));
    }

    private static void check(boolean allowed, String message, String param, Object value) {
        if (!allowed) {
            throw new ApiException(ApiError.badValue(message + ", got " + value + ".", param, value));
        }
    }

    private static GenerationOptions options(BodyReader body, int logprobs, int maxLogprobs) {
        refuseUnsupported(body);
        var maxTokens = maxTokens(body);
        int minTokens = body.whole("min_tokens", 0);
        check(minTokens >= 0, "min_tokens must be greater than or equal to 0", "min_tokens", minTokens);
        if (maxTokens.isPresent()) {
            check(maxTokens.getAsInt() >= 1, "max_tokens must be at least 1", "max_tokens", maxTokens.getAsInt());
            check(
                    minTokens <= maxTokens.getAsInt(),
                    "min_tokens must be less than or equal to max_tokens=" + maxTokens.getAsInt(),
                    "min_tokens",
                    minTokens);
        }
        int promptLogprobs = body.whole("prompt_logprobs", -1);
        checkLogprobs("sample", "logprobs", logprobs, maxLogprobs);
        checkLogprobs("prompt", "prompt_logprobs", promptLogprobs, maxLogprobs);
        var options = new GenerationOptions(
                maxTokens,
                minTokens,
                body.number("temperature", 1),
                body.number("top_p", 1),
                Math.max(0, checkedTopK(body.whole("top_k", 0))),
                body.number("min_p", 0),
                body.number("presence_penalty", 0),
                body.number("frequency_penalty", 0),
                body.number("repetition_penalty", 1),
                body.whole("n", 1),
                body.wholeOrNull("seed"),
                body.texts("stop"),
                body.wholes("stop_token_ids"),
                body.flag("include_stop_str_in_output", false),
                body.flag("ignore_eos", false),
                logprobs,
                promptLogprobs,
                logitBias(body),
                body.flag("skip_special_tokens", true),
                body.flag("return_token_ids", false),
                body.whole("priority", 0),
                stream(body));
        checkSampling(options);
        return options;
    }

    private static int checkedTopK(int topK) {
        check(topK >= -1, "top_k must be 0 (disable), or at least 1", "top_k", topK);
        return topK;
    }

    private static void checkSampling(GenerationOptions options) {
        check(options.n() >= 1, "n must be at least 1", "n", options.n());
        check(options.n() <= MOST_CHOICES, "n must be at most " + MOST_CHOICES, "n", options.n());
        check(options.temperature() >= 0, "temperature must be non-negative", "temperature", options.temperature());
        check(options.topP() > 0 && options.topP() <= 1, "top_p must be in (0, 1]", "top_p", options.topP());
        check(options.minP() >= 0 && options.minP() <= 1, "min_p must be in [0, 1]", "min_p", options.minP());
        check(
                Math.abs(options.presencePenalty()) <= 2,
                "presence_penalty must be in [-2, 2]",
                "presence_penalty",
                options.presencePenalty());
        check(
                Math.abs(options.frequencyPenalty()) <= 2,
                "frequency_penalty must be in [-2, 2]",
                "frequency_penalty",
                options.frequencyPenalty());
        check(
                options.repetitionPenalty() > 0,
                "repetition_penalty must be greater than zero",
                "repetition_penalty",
                options.repetitionPenalty());
        if (options.n() > 1 && options.temperature() == 0) {
            throw new ApiException(ApiError.badValue(
                    "n must be 1 when using greedy sampling, got " + options.n() + ".", "n", options.n()));
        }
        if (options.stop().contains("")) {
            throw refuse("stop cannot contain an empty string.", "stop");
        }
    }

    private static void checkLogprobs(String what, String param, int asked, int max) {
        if (max >= 0 && asked > max) {
            throw new ApiException(ApiError.badValue(
                    "Requested " + what + " logprobs of " + asked + ", which is greater than max allowed: " + max,
                    param,
                    asked));
        }
    }

    /** What vLLM would serve and this engine cannot is refused: an answer that ignored it would be another answer. */
    private static void refuseUnsupported(BodyReader body) {
        for (var name :
                List.of("structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar")) {
            if (body.get(name) != null) {
                throw refuse(name + " is not supported by the embedded engine", name);
            }
        }
        var format = body.get("response_format");
        if (format != null && !"text".equals(format.path("type").asString(""))) {
            throw refuse(
                    "response_format of type " + format.path("type") + " is not supported by the embedded engine",
                    "response_format");
        }
        if (body.flag("use_beam_search", false)) {
            throw refuse("use_beam_search is not supported by the embedded engine", "use_beam_search");
        }
    }

    private static OptionalInt maxTokens(BodyReader body) {
        var name = body.get("max_completion_tokens") != null ? "max_completion_tokens" : "max_tokens";
        return body.get(name) == null ? OptionalInt.empty() : OptionalInt.of(body.whole(name, 0));
    }

    private static Map<Integer, Double> logitBias(BodyReader body) {
        var node = body.get("logit_bias");
        if (node == null) {
            return Map.of();
        }
        var bias = new HashMap<Integer, Double>();
        for (var entry : node.properties()) {
            if (!entry.getKey().matches("\\d{1,9}") || !entry.getValue().isNumber()) {
                throw new ApiException(ApiError.badShape(
                        "float_type", "body.logit_bias." + entry.getKey(), "Input should be a valid number"));
            }
            bias.put(
                    Integer.parseInt(entry.getKey()),
                    Math.clamp(entry.getValue().doubleValue(), -100, 100));
        }
        return bias;
    }

    private static GenerationOptions.@Nullable Stream stream(BodyReader body) {
        var options = body.get("stream_options");
        if (!body.flag("stream", false)) {
            if (options != null) {
                throw refuse("Stream options can only be defined when `stream=True`.", "stream_options");
            }
            return null;
        }
        if (options == null) {
            return new GenerationOptions.Stream(false, false);
        }
        var reader = BodyReader.of(options);
        boolean usage = reader.flag("include_usage", false);
        return new GenerationOptions.Stream(usage, usage && reader.flag("continuous_usage_stats", false));
    }
}
