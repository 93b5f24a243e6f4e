package bestfit.openai;

import static bestfit.openai.FieldType.FLAG;
import static bestfit.openai.FieldType.NUMBER;
import static bestfit.openai.FieldType.TEXT;
import static bestfit.openai.FieldType.WHOLE;
import static bestfit.openai.FieldType.dict;
import static bestfit.openai.FieldType.list;
import static bestfit.openai.FieldType.literal;
import static bestfit.openai.FieldType.object;
import static bestfit.openai.FieldType.oneOf;

import bestfit.config.Json;
import bestfit.openai.FieldType.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the bodies of {@code /v1/responses} into requests to chat, as vLLM 0.32 does for a text model. */
public final class ResponsesReader {
    private static final FieldType OBJECT = dict(FieldType.ANY);
    private static final String LOGPROBS = "message.output_text.logprobs";
    /** Fields that mean in chat what they mean here. */
    private static final List<String> SHARED = List.of(
            "model",
            "logit_bias",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "skip_special_tokens",
            "include_stop_str_in_output",
            "presence_penalty",
            "frequency_penalty",
            "repetition_penalty",
            "seed",
            "stop",
            "stop_token_ids",
            "ignore_eos",
            "priority",
            "cache_salt",
            "structured_outputs",
            "stream",
            "max_output_tokens");

    private static final FieldType REQUEST = object(
            false,
            RequestShape.together(
                    nullable(FLAG, "background"),
                    nullable(
                            list(literal(
                                    "code_interpreter_call.outputs",
                                    "computer_call_output.output.image_url",
                                    "file_search_call.results",
                                    "message.input_image.image_url",
                                    LOGPROBS,
                                    "reasoning.encrypted_content")),
                            "include"),
                    List.of(Field.required("input", oneOf(TEXT, list(OBJECT)))),
                    nullable(TEXT, "instructions"),
                    nullable(WHOLE, "max_output_tokens", "max_tool_calls"),
                    nullable(dict(TEXT), "metadata"),
                    nullable(TEXT, "model"),
                    nullable(dict(NUMBER), "logit_bias"),
                    nullable(FLAG, "parallel_tool_calls"),
                    nullable(TEXT, "previous_response_id"),
                    nullable(
                            object(
                                    false,
                                    nullable(
                                            literal("none", "minimal", "low", "medium", "high", "xhigh", "max"),
                                            "effort")),
                            "reasoning"),
                    List.of(Field.optional("include_reasoning", FLAG)),
                    List.of(Field.optional("service_tier", literal("auto", "default", "flex", "scale", "priority"))),
                    nullable(FLAG, "store", "stream"),
                    nullable(NUMBER, "temperature"),
                    nullable(WHOLE, "top_logprobs"),
                    nullable(NUMBER, "top_p"),
                    nullable(WHOLE, "top_k"),
                    nullable(NUMBER, "min_p"),
                    nullable(literal("auto", "disabled"), "truncation"),
                    nullable(TEXT, "user"),
                    Stream.of("skip_special_tokens", "include_stop_str_in_output")
                            .map(name -> Field.optional(name, FLAG))
                            .toList(),
                    nullable(FieldType.between(-2, 2), "presence_penalty", "frequency_penalty"),
                    List.of(Field.optional("request_id", TEXT), Field.optional("priority", WHOLE)),
                    nullable(FieldType.longerThanEmpty(), "cache_salt"),
                    nullable(ConstraintShape.STRUCTURED_OUTPUTS, "structured_outputs"),
                    nullable(NUMBER, "repetition_penalty"),
                    nullable(FieldType.signed64(), "seed"),
                    List.of(Field.optional("stop", oneOf(TEXT, list(TEXT, 4)).orNull())),
                    nullable(list(WHOLE), "stop_token_ids"),
                    List.of(Field.optional("ignore_eos", FLAG))));

    private ResponsesReader() {}

    private static List<Field> nullable(FieldType type, String... names) {
        return Stream.of(names).map(name -> Field.optional(name, type.orNull())).toList();
    }

    /**
     * Checks a body.
     *
     * @throws ApiException for one that does not fit
     */
    public static BodyReader body(byte[] bytes) {
        return BodyReader.of(bytes, REQUEST, ResponsesReader::rules);
    }

    private static void rules(BodyReader body) {
        if (body.truthy("background") && body.has("store") && !body.truthy("store")) {
            throw refuse("background can only be used when `store` is true", "background");
        }
        if (body.get("prompt") != null) {
            throw refuse("prompt template is not supported", "prompt");
        }
        BodyRules.cacheSalt(body);
        var tools = body.get("tools");
        var choice = body.get("tool_choice");
        boolean none = tools == null || tools.isEmpty();
        if (none && choice == null) {
            ((ObjectNode) body.whole()).put("tool_choice", "none"); // vLLM's own rule fills it in, and counts it
        }
        if (none && choice != null) {
            if (choice.isString() && choice.stringValue().equals("required")) {
                throw refuse("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice");
            }
            if (choice.isObject()) {
                throw refuse("Tool choice 'function' not found in 'tools' parameter.", "tool_choice");
            }
        }
    }

    private static ApiException refuse(String message, String field) {
        return new ApiException(ApiError.badField(message, field));
    }

    /**
     * What the server must keep for it, which vLLM does not do by default.
     *
     * @throws ApiException 400, or 404 for an answer that would have been kept
     */
    public static void refuseKept(BodyReader body) {
        if (body.flag("background", false)) {
            throw new ApiException(new ApiError(
                    400,
                    "invalid_request_error",
                    "This vLLM engine does not support `store=True` and therefore does not support the background mode."
                            + " To enable these features, set the environment variable"
                            + " `VLLM_ENABLE_RESPONSES_API_STORE=1` when launching the vLLM server.",
                    "background"));
        }
        var before = body.text("previous_response_id");
        if (before != null) {
            throw new ApiException(notFound(before));
        }
    }

    public static ApiError notFound(String id) {
        return new ApiError(404, "invalid_request_error", "Response with id '" + id + "' not found.", "response_id");
    }

    /** The same request to chat. */
    public static GenerationRequest request(BodyReader body, SamplingDefaults defaults) {
        var chat = Json.object();
        for (var field : SHARED) {
            var value = body.get(field);
            boolean unset = field.equals("stop") && !body.truthy(field);
            if (value != null && !unset) {
                chat.set(field, value);
            }
        }
        var messages = chat.putArray("messages");
        var instructions = body.text("instructions");
        if (instructions != null && !instructions.isEmpty()) {
            messages.addObject().put("role", "system").put("content", instructions);
        }
        input(messages, body.get("input"));
        boolean open = continues(body.get("input"));
        chat.put("continue_final_message", open).put("add_generation_prompt", !open);
        if ("auto".equals(body.text("truncation"))) {
            chat.put("truncate_prompt_tokens", -1);
        }
        format(body, chat);
        var include = body.get("include");
        boolean told = include != null
                && include.valueStream().anyMatch(each -> each.asString("").equals(LOGPROBS));
        return RequestReader.converted(
                BodyReader.of(chat), told ? Integer.valueOf(body.whole("top_logprobs", 0)) : null, defaults);
    }

    private static void format(BodyReader body, ObjectNode chat) {
        var text = body.get("text");
        var format = text == null || !text.path("format").isObject() ? null : text.get("format");
        if (format == null) {
            return;
        }
        if (body.get("structured_outputs") != null) {
            throw refuse("Cannot specify both structured_outputs and text.format", "structured_outputs");
        }
        switch (format.path("type").asString("")) {
            case "json_object" -> chat.putObject("structured_outputs").put("json_object", true);
            case "json_schema" -> {
                if (format.path("schema").isObject()) {
                    chat.putObject("structured_outputs").set("json", format.get("schema"));
                }
            }
            default -> {}
        }
    }

    private static boolean continues(@Nullable JsonNode input) {
        if (input == null || !input.isArray() || input.isEmpty()) {
            return false;
        }
        var last = input.get(input.size() - 1);
        return List.of("message", "reasoning").contains(last.path("type").asString("message"))
                && List.of("in_progress", "incomplete")
                        .contains(last.path("status").asString(""));
    }

    private static void input(ArrayNode messages, @Nullable JsonNode input) {
        if (input == null || input.isString()) {
            messages.addObject().put("role", "user").set("content", input);
            return;
        }
        for (var item : input) {
            var type = item.path("type").asString("message");
            var content = item.path("content");
            switch (type) {
                case "function_call_output", "custom_tool_call_output" ->
                    messages.addObject()
                            .put("role", "tool")
                            .put("content", item.path("output").asString(""));
                case "function_call", "custom_tool_call", "reasoning" ->
                    messages.addObject().put("role", "assistant").put("content", "");
                default -> {
                    if (!item.path("role").isString()) {
                        throw refuse("Unsupported input item type: " + type, "input");
                    }
                    boolean own = item.path("role").stringValue().equals("assistant");
                    messages.addObject()
                            .put("role", item.path("role").stringValue())
                            .put("content", text(content, own));
                }
            }
        }
    }

    /** Of what the assistant said the first part counts. */
    private static String text(JsonNode content, boolean firstAlone) {
        if (!content.isArray()) {
            return content.asString("");
        }
        var texts = new ArrayList<String>();
        content.forEach(part -> texts.add(part.path("text").asString("")));
        return firstAlone ? texts.isEmpty() ? "" : texts.getFirst() : String.join("\n", texts);
    }
}
