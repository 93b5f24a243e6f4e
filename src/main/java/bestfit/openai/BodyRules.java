package bestfit.openai;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What vLLM checks of a whole body before the shape of its fields, in its order. */
final class BodyRules {
    private BodyRules() {}

    static void chat(BodyReader body) {
        tools(body);
        if (body.truthy("continue_final_message") && body.truthy("add_generation_prompt")) {
            throw refuse("Cannot set both `continue_final_message` and `add_generation_prompt` to True.", null);
        }
        structuredOutputs(body, null);
        logprobTokens(body, !body.truthy("logprobs"), "set to true");
        integers(body, "prompt_logprobs", "top_logprobs");
        promptLogprobs(body);
        topLogprobs(body);
        streamOptions(body);
        responseFormat(body);
        iterable(body);
        cacheSalt(body);
        thinking(body);
    }

    static void completion(BodyReader body) {
        var prompt = body.get("prompt");
        boolean none = prompt == null && body.get("prompt_embeds") == null;
        if (none || (prompt != null && prompt.isString() && prompt.stringValue().isEmpty())) {
            throw refuse("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
        }
        streamOptions(body);
        logprobTokens(body, body.get("logprobs") == null, "set");
        if (body.truthy("use_beam_search") && body.truthy("echo") && body.get("logprobs") != null) {
            throw refuse(
                    "`echo` with `logprobs` is not supported with beam search because beam search does not compute"
                            + " prompt logprobs.",
                    "echo");
        }
        integers(body, "prompt_logprobs", "logprobs");
        promptLogprobs(body);
        var logprobs = body.get("logprobs");
        if (logprobs != null && logprobs.isNumber() && logprobs.doubleValue(0) < 0 && logprobs.doubleValue(0) != -1) {
            throw refuse("`logprobs` must be a positive value or -1.", "logprobs", logprobs);
        }
        structuredOutputs(body, "structured_outputs");
        responseFormat(body);
        cacheSalt(body);
        thinking(body);
    }

    private static void tools(BodyReader body) {
        var tools = body.get("tools");
        if (tools != null && tools.isArray() && tools.isEmpty()) {
            throw refuse(
                    "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.",
                    "tools");
        }
        var choice = body.get("tool_choice");
        if (choice == null || (choice.isString() && choice.stringValue().equals("none"))) {
            return;
        }
        if (tools == null) {
            throw refuse("When using `tool_choice`, `tools` must be set.", "tool_choice");
        }
        if (!choice.isObject()
                && !(choice.isString() && List.of("auto", "required").contains(choice.stringValue()))) {
            throw refuse(
                    "Invalid value for `tool_choice`: " + PythonText.summary(choice)
                            + "! Only named tools, \"none\", \"auto\" or \"required\" are supported.",
                    "tool_choice");
        }
        var named = choice.path("function").path("name");
        if (named.isString()
                && tools.valueStream()
                        .noneMatch(tool -> named.equals(tool.path("function").path("name")))) {
            throw refuse(
                    "The tool specified in `tool_choice` does not match any of the specified `tools`", "tool_choice");
        }
    }

    private static void logprobTokens(BodyReader body, boolean unasked, String words) {
        if (!body.truthy("logprob_token_ids")) {
            return;
        }
        if (body.truthy("use_beam_search")) {
            throw refuse("`logprob_token_ids` is not supported with beam search.", "logprob_token_ids");
        }
        if (unasked) {
            throw refuse("when using `logprob_token_ids`, `logprobs` must be " + words + ".", "logprob_token_ids");
        }
    }

    /** Python would compare them before it knows their type. */
    private static void integers(BodyReader body, String... names) {
        for (var name : names) {
            var value = body.get(name);
            if (value != null && !value.isNumber() && !value.isBoolean()) {
                throw refuse("`" + name + "` must be an integer.", name, value);
            }
        }
    }

    private static void promptLogprobs(BodyReader body) {
        var value = body.get("prompt_logprobs");
        double number = value == null ? 0 : FieldType.number(value).orElse(0.0);
        if (body.truthy("stream") && (number > 0 || number == -1)) {
            throw refuse("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs");
        }
        if (value != null && number < 0 && number != -1) {
            throw refuse("`prompt_logprobs` must be a positive value or -1.", "prompt_logprobs", value);
        }
    }

    private static void topLogprobs(BodyReader body) {
        var value = body.get("top_logprobs");
        double number = value == null ? 0 : FieldType.number(value).orElse(0.0);
        if (value != null && number < 0 && number != -1) {
            throw refuse("`top_logprobs` must be a positive value or -1.", "top_logprobs", value);
        }
        if ((number == -1 || number > 0) && !body.truthy("logprobs")) {
            throw refuse("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
        }
    }

    private static void streamOptions(BodyReader body) {
        if (body.truthy("stream_options") && !body.truthy("stream")) {
            throw refuse("Stream options can only be defined when `stream=True`.", "stream_options");
        }
    }

    private static void structuredOutputs(BodyReader body, @Nullable String param) {
        var outputs = body.get("structured_outputs");
        if (outputs == null) {
            return;
        }
        if (!outputs.isObject()) {
            throw new ApiException(
                    ApiError.internal("'" + PythonText.type(outputs) + "' object has no attribute 'get'"));
        }
        if (Stream.of("json", "regex", "choice").filter(outputs::hasNonNull).count() > 1) {
            throw refuse(
                    "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').",
                    param);
        }
    }

    private static void responseFormat(BodyReader body) {
        var format = body.get("response_format");
        if (format != null
                && "structural_tag".equals(format.path("type").asString(""))
                && !format.has("format")
                && !(format.has("structures") && format.has("triggers"))) {
            throw refuse("Invalid response_format structural_tag specification.", "response_format");
        }
        if (format != null
                && "json_schema".equals(format.path("type").asString(""))
                && (format.path("json_schema").isMissingNode()
                        || format.path("json_schema").isNull())) {
            throw refuse(
                    "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
                    "response_format");
        }
    }

    private static void iterable(BodyReader body) {
        if (!body.has("messages")) {
            return;
        }
        var messages = body.get("messages");
        if (messages == null || messages.isNumber() || messages.isBoolean()) {
            var type = messages == null ? "NoneType" : PythonText.type(messages);
            throw refuse("'" + type + "' object is not iterable", null);
        }
    }

    static void cacheSalt(BodyReader body) {
        var salt = body.get("cache_salt");
        if (salt != null && (!salt.isString() || salt.stringValue().isEmpty())) {
            throw refuse("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt");
        }
    }

    private static void thinking(BodyReader body) {
        var budget = body.get("thinking_token_budget");
        if (budget != null && !(budget.isIntegralNumber() && budget.doubleValue(0) >= -1)) {
            throw refuse(
                    "`thinking_token_budget` must be a non-negative integer or -1 for unlimited.",
                    "thinking_token_budget",
                    budget);
        }
    }

    private static ApiException refuse(String message, @Nullable String field) {
        return new ApiException(field == null ? ApiError.badRequest(message, null) : ApiError.badField(message, field));
    }

    private static ApiException refuse(String message, String field, JsonNode value) {
        return new ApiException(ApiError.badValue(message, field, PythonText.summary(value)));
    }
}
