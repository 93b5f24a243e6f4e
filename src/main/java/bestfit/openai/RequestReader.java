package bestfit.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads request bodies; every refusal is the one vLLM gives. */
public final class RequestReader {
    private RequestReader() {}

    /**
     * Reads a chat request.
     *
     * @param checkModel told the model's name once the body has its shape; may refuse
     * @param defaults of fields that the body leaves out
     * @throws ApiException with the answer for a body that does not fit
     */
    public static GenerationRequest chat(
            byte[] bytes, Consumer<@Nullable String> checkModel, SamplingDefaults defaults) {
        var body = BodyReader.of(bytes, RequestShape.CHAT, BodyRules::chat);
        checkModel.accept(body.text("model"));
        refuseTools(body);
        boolean wanted = body.flag("logprobs", false);
        return request(
                body,
                List.of(conversation(body)),
                true,
                options(body, wanted ? Integer.valueOf(body.whole("top_logprobs", 0)) : null, defaults),
                Enforced.of(body));
    }

    /** Reads a text completion request; {@code prompt} may be a string, strings, token ids, or lists of them. */
    public static GenerationRequest completion(
            byte[] bytes, Consumer<@Nullable String> checkModel, SamplingDefaults defaults) {
        var body = BodyReader.of(bytes, RequestShape.COMPLETION, BodyRules::completion);
        checkModel.accept(body.text("model"));
        if (body.get("prompt_embeds") != null) {
            throw new ApiException(ApiError.badField(
                    "You must set `--enable-prompt-embeds` to input `prompt_embeds`.", "prompt_embeds"));
        }
        var prompts = prompts(body.get("prompt"));
        if (body.text("suffix") != null) {
            throw refuse(
                    prompts.getFirst() instanceof Prompt.Tokens
                            ? "suffix requires text prompt input for FIM completion rendering"
                            : "suffix is only supported for models with FIM completion rendering",
                    "suffix");
        }
        var logprobs = body.get("logprobs") == null ? null : Integer.valueOf(body.whole("logprobs", 0));
        return request(body, prompts, false, options(body, logprobs, defaults), null);
    }

    private static GenerationRequest request(
            BodyReader body,
            List<Prompt> prompts,
            boolean chat,
            GenerationOptions options,
            @Nullable Enforced enforced) {
        return new GenerationRequest(
                body.text("model"),
                body.text("request_id"),
                prompts,
                chat,
                body.flag("echo", false),
                options,
                enforced,
                body.flag("return_tokens_as_token_ids", false) ? TokenStyle.PREFIXED_ID : null,
                body.text("cache_salt"),
                processedLogprobs(body));
    }

    private static void refuseTools(BodyReader body) {
        var choice = body.get("tool_choice");
        var word = choice != null && choice.isString() ? choice.stringValue() : choice == null ? "auto" : "";
        if (body.get("tools") == null || word.equals("none")) {
            return;
        }
        throw refuse(
                word.equals("auto")
                        ? "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"
                        : "tool_choice=" + (word.isEmpty() ? "function " + named(choice) : "\"" + word + "\"")
                                + " requires --tool-call-parser to be set",
                null);
    }

    private static String named(@Nullable JsonNode choice) {
        return choice == null ? "" : "\"" + choice.path("function").path("name").asString("") + "\"";
    }

    private static @Nullable Boolean processedLogprobs(BodyReader body) {
        var node = body.get("logprobs_mode");
        var mode = node == null ? null : PythonText.summary(node);
        if (mode != null && !mode.equals("raw_logprobs") && !mode.equals("processed_logprobs")) {
            throw refuse(
                    "logprobs_mode must be raw_logprobs or processed_logprobs, got " + mode + ".", "logprobs_mode");
        }
        return mode == null ? null : mode.equals("processed_logprobs");
    }

    /** The conversation of a body that has {@code messages}. */
    public static Prompt.Chat conversation(BodyReader body) {
        if (body.text("chat_template") != null) {
            throw refuse(
                    "Chat template is passed with request, but --trust-request-chat-template is not set."
                            + " Refused request with untrusted chat template.",
                    null);
        }
        var messages = new ArrayList<ChatMessage>();
        for (var each : body.items("messages")) {
            var role = each.path("role").asString("");
            // No template here knows developers, and vLLM has them speak as the system then.
            messages.add(
                    new ChatMessage(role.equals("developer") ? "system" : role, content(body, each.get("content"))));
        }
        if (messages.isEmpty()) {
            throw refuse("Cannot apply chat template to an empty conversation. Provide at least one message.", null);
        }
        boolean adds = body.flag("add_generation_prompt", true);
        boolean continued = body.flag("continue_final_message", false);
        if (adds && continued) {
            throw refuse(
                    "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message"
                            + " when you want the model to continue the final message, and add_generation_prompt when"
                            + " you want to add a header that will prompt it to start a new assistant message"
                            + " instead.",
                    null);
        }
        return new Prompt.Chat(messages, adds, continued);
    }

    private static String content(BodyReader body, @Nullable JsonNode content) {
        if (content == null || content.isNull()) {
            return "";
        }
        if (content.isString()) {
            return content.stringValue();
        }
        var parts = new ArrayList<String>();
        for (var part : content) {
            if (!part.path("text").isString()) {
                var model = body.text("model");
                throw refuse((model == null ? "The model" : model) + " is not a multimodal model", null);
            }
            parts.add(part.path("text").stringValue());
        }
        return String.join("\n", parts);
    }

    private static List<Prompt> prompts(@Nullable JsonNode prompt) {
        if (prompt == null || prompt.isString()) {
            return List.of(new Prompt.Text(prompt == null ? "" : prompt.stringValue()));
        }
        if (prompt.isEmpty()) {
            throw refuse("You must pass at least one prompt", null);
        }
        var first = prompt.get(0);
        if (!first.isArray() && !first.isString()) {
            return List.of(new Prompt.Tokens(BodyReader.wholes(prompt)));
        }
        var all = new ArrayList<Prompt>();
        for (var each : prompt) {
            all.add(each.isString() ? new Prompt.Text(each.stringValue()) : new Prompt.Tokens(BodyReader.wholes(each)));
        }
        return all;
    }

    private static ApiException refuse(String message, @Nullable String param) {
        return new ApiException(ApiError.badRequest(message, param));
    }

    private static GenerationOptions options(BodyReader body, @Nullable Integer logprobs, SamplingDefaults defaults) {
        refuseUnsupported(body);
        var promptLogprobs = body.wholeOrNull("prompt_logprobs");
        return new GenerationOptions(
                maxTokens(body),
                body.whole("min_tokens", 0),
                body.number("temperature", defaults.get("temperature", 1)),
                body.number("top_p", defaults.get("top_p", 1)),
                body.whole("top_k", (int) defaults.get("top_k", 0)),
                body.number("min_p", defaults.get("min_p", 0)),
                body.number("presence_penalty", defaults.get("presence_penalty", 0)),
                body.number("frequency_penalty", defaults.get("frequency_penalty", 0)),
                body.number("repetition_penalty", defaults.get("repetition_penalty", 1)),
                body.whole("n", 1),
                body.wholeOrNull("seed"),
                body.texts("stop"),
                body.wholes("stop_token_ids"),
                body.flag("include_stop_str_in_output", false),
                body.flag("ignore_eos", false),
                logprobs,
                promptLogprobs == null ? null : Math.clamp(promptLogprobs, Integer.MIN_VALUE, Integer.MAX_VALUE),
                new GenerationOptions.Steering(
                        logitBias(body),
                        body.get("allowed_token_ids") == null ? null : body.wholes("allowed_token_ids"),
                        body.texts("bad_words"),
                        ConstraintReader.read(body)),
                body.flag("skip_special_tokens", true),
                body.flag("return_token_ids", false),
                body.whole("priority", 0),
                truncation(body),
                stream(body));
    }

    /** What vLLM would serve and this engine cannot is refused: an answer that ignored it would be another answer. */
    private static void refuseUnsupported(BodyReader body) {
        if (body.flag("use_beam_search", false)) {
            throw refuse("use_beam_search is not supported by the embedded engine", "use_beam_search");
        }
        if (body.get("thinking_token_budget") != null) {
            throw refuse(
                    "thinking_token_budget is set but reasoning_config is not configured. Please set --reasoning-parser"
                            + " and/or --reasoning-config to use thinking_token_budget.",
                    null);
        }
    }

    /** Text completions know the older name alone. */
    private static GenerationOptions.@Nullable OutputLimit maxTokens(BodyReader body) {
        var name = body.get("max_completion_tokens") != null && body.get("messages") != null
                ? "max_completion_tokens"
                : "max_tokens";
        var tokens = body.wholeOrNull(name);
        return tokens == null ? null : new GenerationOptions.OutputLimit(name, tokens);
    }

    private static GenerationOptions.@Nullable Truncation truncation(BodyReader body) {
        var tokens = body.wholeOrNull("truncate_prompt_tokens");
        return tokens == null
                ? null
                : new GenerationOptions.Truncation(tokens, "right".equals(body.text("truncation_side")));
    }

    private static Map<Integer, Double> logitBias(BodyReader body) {
        var node = body.get("logit_bias");
        if (node == null) {
            return Map.of();
        }
        var bias = new LinkedHashMap<Integer, Double>();
        var wrong = new ArrayList<String>();
        for (var entry : node.properties()) {
            if (entry.getKey().matches("\\s*[+-]?\\d{1,9}\\s*")) {
                double value = FieldType.number(entry.getValue()).orElse(0.0);
                bias.put(Integer.parseInt(entry.getKey().strip()), Math.clamp(value, -100, 100));
            } else {
                wrong.add(PythonText.quoted(entry.getKey()));
            }
        }
        if (!wrong.isEmpty()) {
            throw new ApiException(ApiError.badValue(
                    "logit_bias contains key(s) that cannot be converted to integer token IDs: " + wrong,
                    "logit_bias",
                    wrong));
        }
        return bias;
    }

    private static GenerationOptions.@Nullable Stream stream(BodyReader body) {
        if (!body.flag("stream", false)) {
            return null;
        }
        int interval = body.whole("stream_interval", 1);
        var options = body.get("stream_options");
        if (options == null) {
            return new GenerationOptions.Stream(false, false, interval);
        }
        var reader = BodyReader.of(options);
        boolean usage = reader.flag("include_usage", false);
        return new GenerationOptions.Stream(usage, usage && reader.flag("continuous_usage_stats", false), interval);
    }
}
