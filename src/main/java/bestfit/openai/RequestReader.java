package bestfit.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads request bodies; every refusal is the one vLLM gives. */
public final class RequestReader {
    private static final List<String> CHAT_LIMITS = List.of("max_completion_tokens", "max_tokens");

    private static final String DEVELOPER = "developer";
    private static final String SYSTEM = "system";

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
        return chat(BodyReader.of(bytes, RequestShape.CHAT, BodyRules::chat), checkModel, defaults);
    }

    /** {@link #chat(byte[], Consumer, SamplingDefaults)} of a body that was made from another API's. */
    public static GenerationRequest chat(
            JsonNode made, Consumer<@Nullable String> checkModel, SamplingDefaults defaults) {
        return chat(BodyReader.of(made, RequestShape.CHAT, BodyRules::chat), checkModel, defaults);
    }

    /** A request to chat of fields that were checked in their own shape. */
    static GenerationRequest converted(BodyReader body, @Nullable Integer logprobs, SamplingDefaults defaults) {
        var limits = List.of("max_output_tokens");
        return request(body, List.of(conversation(body)), true, options(body, logprobs, defaults, limits), null);
    }

    private static GenerationRequest chat(
            BodyReader body, Consumer<@Nullable String> checkModel, SamplingDefaults defaults) {
        checkModel.accept(body.text("model"));
        refuseTools(body);
        boolean wanted = body.flag("logprobs", false);
        return request(
                body,
                List.of(conversation(body)),
                true,
                options(body, wanted ? Integer.valueOf(body.whole("top_logprobs", 0)) : null, defaults, CHAT_LIMITS),
                Enforced.of(body));
    }

    /** Reads a text completion request; {@code prompt} may be a string, strings, token ids, or lists of them. */
    public static GenerationRequest completion(
            byte[] bytes, Consumer<@Nullable String> checkModel, SamplingDefaults defaults) {
        var body = BodyReader.of(bytes, RequestShape.COMPLETION, BodyRules::completion);
        if (body.flag("stream", false) && body.flag("use_beam_search", false)) {
            throw refuse("Streaming is not currently supported with beam search", null);
        }
        checkModel.accept(body.text("model"));
        if (body.get("prompt_embeds") != null) {
            throw new ApiException(ApiError.badField(
                    "You must set `--enable-prompt-embeds` to input `prompt_embeds`.", "prompt_embeds"));
        }
        var prompts = prompts(body.get("prompt"));
        refuseSuffix(body, prompts.getFirst());
        var logprobs = body.get("logprobs") == null ? null : Integer.valueOf(body.whole("logprobs", 0));
        return request(body, prompts, false, options(body, logprobs, defaults, List.of("max_tokens")), null);
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
                chat && body.flag("return_prompt_text", false),
                processedLogprobs(body));
    }

    private static void refuseSuffix(BodyReader body, Prompt first) {
        if (body.text("suffix") == null) {
            return;
        }
        String message;
        if (body.flag("echo", false)) {
            message = "Echo is unsupported with suffix.";
        } else if (body.get("truncate_prompt_tokens") != null) {
            message = "suffix is not supported with truncate_prompt_tokens";
        } else if (first instanceof Prompt.Tokens) {
            message = "suffix requires text prompt input for FIM completion rendering";
        } else {
            message = "suffix is only supported for models with FIM completion rendering";
        }
        throw refuse(message, "suffix");
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
        for (var kind : List.of("media_io_kwargs", "mm_processor_kwargs")) {
            if (body.truthy(kind)) {
                throw new ApiException(ApiError.badField(
                        "Per-request " + kind + " are disabled by default because they can change multimodal "
                                + (kind.startsWith("media") ? "media loading" : "preprocessing")
                                + " resource usage. Start the server with --trust-request-mm-kwargs only when clients"
                                + " are trusted.",
                        kind));
            }
        }
        var kwargs = body.get("chat_template_kwargs");
        if (body.text("chat_template") != null || (kwargs != null && kwargs.hasNonNull("chat_template"))) {
            throw refuse(
                    "Chat template is passed with request, but --trust-request-chat-template is not set."
                            + " Refused request with untrusted chat template.",
                    null);
        }
        var messages = new ArrayList<ChatMessage>();
        boolean developer = false;
        var model = body.text("model") == null ? "The model" : body.text("model");
        for (var each : body.items("messages")) {
            var role = each.path("role").asString("");
            developer |= role.equals(DEVELOPER);
            messages.add(new ChatMessage(role.equals(DEVELOPER) ? SYSTEM : role, ContentParts.text(each, model)));
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
        return new Prompt.Chat(developer ? systemFirst(messages) : messages, adds, continued);
    }

    /** No template here knows developers: vLLM has them speak as the system then, which says all it has to say first. */
    private static List<ChatMessage> systemFirst(List<ChatMessage> messages) {
        var said = messages.stream()
                .filter(each -> each.role().equals(SYSTEM))
                .map(ChatMessage::content)
                .filter(text -> !text.isEmpty())
                .collect(Collectors.joining("\n\n"));
        var others = messages.stream().filter(each -> !each.role().equals(SYSTEM));
        return Stream.concat(Stream.of(new ChatMessage(SYSTEM, said)), others).toList();
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

    /** @param limits fields that say how long the answer may be; the first that is there counts */
    private static GenerationOptions options(
            BodyReader body, @Nullable Integer logprobs, SamplingDefaults defaults, List<String> limits) {
        refuseUnsupported(body);
        var promptLogprobs = body.wholeOrNull("prompt_logprobs");
        return new GenerationOptions(
                maxTokens(body, limits),
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
                        ConstraintReader.read(body),
                        body.get("thinking_token_budget") != null),
                body.flag("skip_special_tokens", true),
                body.flag("return_token_ids", false),
                body.whole("priority", 0),
                body.flag("use_beam_search", false) ? Double.valueOf(body.number("length_penalty", 1)) : null,
                repetition(body),
                truncation(body),
                stream(body));
    }

    /** What vLLM would serve and this engine cannot is refused: an answer that ignored it would be another answer. */
    private static void refuseUnsupported(BodyReader body) {
        if (body.truthy("logprob_token_ids")) {
            throw refuse(
                    "The embedded engine does not support logprob_token_ids; ask for top_logprobs (or logprobs) instead.",
                    "logprob_token_ids");
        }
    }

    private static GenerationOptions.@Nullable OutputLimit maxTokens(BodyReader body, List<String> names) {
        for (var name : names) {
            var tokens = body.wholeOrNull(name);
            if (tokens != null) {
                return new GenerationOptions.OutputLimit(name, tokens);
            }
        }
        return null;
    }

    private static GenerationOptions.@Nullable Truncation truncation(BodyReader body) {
        var tokens = body.wholeOrNull("truncate_prompt_tokens");
        return tokens == null
                ? null
                : new GenerationOptions.Truncation(tokens, "right".equals(body.text("truncation_side")));
    }

    private static GenerationOptions.@Nullable Repetition repetition(BodyReader body) {
        var node = body.get("repetition_detection");
        if (node == null) {
            return null;
        }
        var fields = BodyReader.of(node);
        return new GenerationOptions.Repetition(
                fields.whole("max_pattern_size", 0),
                Math.max(1, fields.whole("min_pattern_size", 0)),
                fields.whole("min_count", 0));
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
