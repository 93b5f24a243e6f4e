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
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the bodies of {@code /v1/messages} into requests to chat, as vLLM 0.32 does. */
public final class MessagesReader {
    private static final FieldType OBJECT = dict(FieldType.ANY);
    private static final FieldType BLOCK = object(
            false,
            List.of(
                    Field.required(
                            "type",
                            literal(
                                    "text",
                                    "image",
                                    "tool_use",
                                    "tool_result",
                                    "tool_reference",
                                    "thinking",
                                    "redacted_thinking",
                                    "tool_addition",
                                    "tool_removal")),
                    nullable("text", TEXT),
                    nullable("source", OBJECT),
                    nullable("id", TEXT),
                    nullable("tool_use_id", TEXT),
                    nullable("name", TEXT),
                    nullable("input", OBJECT),
                    nullable("content", oneOf(TEXT, list(OBJECT))),
                    nullable("is_error", FLAG),
                    nullable("thinking", TEXT)));
    private static final FieldType CONTENT = oneOf(TEXT, list(BLOCK));
    private static final Field MODEL = Field.required("model", TEXT.and((value, location, faults) -> {
        if (value.stringValue().isEmpty()) {
            faults.addValueError(location, "Model is required", value);
        }
    }));
    private static final Field MESSAGES = Field.required(
            "messages",
            list(object(
                    false,
                    List.of(
                            Field.required("role", literal("user", "assistant", "system")),
                            Field.required("content", CONTENT)))));
    private static final Field OUTPUT = nullable(
            "output_config",
            object(
                    false,
                    List.of(
                            nullable("effort", literal("low", "medium", "high", "xhigh", "max")),
                            nullable(
                                    "format",
                                    object(
                                            false,
                                            List.of(
                                                    nullable("schema", OBJECT),
                                                    Field.optional("type", literal("json_schema"))))))));
    private static final Field SYSTEM = nullable("system", CONTENT);
    private static final Field TOOLS = nullable(
            "tools",
            list(object(
                    false,
                    List.of(
                            Field.required("name", TEXT),
                            nullable("description", TEXT),
                            Field.required("input_schema", OBJECT)))));
    private static final Field CHOICE = nullable(
            "tool_choice", object(false, List.of(Field.required("type", literal("auto", "any", "tool", "none")))));

    private static final FieldType REQUEST = object(
            false,
            List.of(
                    MODEL,
                    MESSAGES,
                    Field.required("max_tokens", WHOLE.and((value, location, faults) -> {
                        if (FieldType.whole(value).orElse(BigInteger.ONE).signum() <= 0) {
                            faults.addValueError(location, "max_tokens must be positive", value);
                        }
                    })),
                    nullable("metadata", OBJECT),
                    OUTPUT,
                    nullable("stop_sequences", list(TEXT, 4)),
                    nullable("stream", FLAG),
                    SYSTEM,
                    nullable("temperature", NUMBER),
                    CHOICE,
                    TOOLS,
                    nullable("top_k", WHOLE),
                    nullable("top_p", NUMBER),
                    nullable("cache_salt", FieldType.longerThanEmpty())));
    private static final FieldType COUNT = object(false, List.of(MODEL, MESSAGES, OUTPUT, SYSTEM, CHOICE, TOOLS));

    private MessagesReader() {}

    private static Field nullable(String name, FieldType type) {
        return Field.optional(name, type.orNull());
    }

    /**
     * The same request to chat.
     *
     * @throws ApiException for a body that does not fit
     */
    public static JsonNode request(byte[] bytes) {
        var body = BodyReader.of(bytes, REQUEST, _ -> {});
        var thinking = body.get("thinking");
        var budget = thinking == null ? null : thinking.get("budget_tokens");
        var chat = conversation(body);
        int most = body.whole("max_tokens", 1);
        if (budget != null && budget.isIntegralNumber()) {
            if (budget.intValue() >= most) {
                var faults = new ShapeFaults();
                faults.addValueError("body", "thinking.budget_tokens must be less than max_tokens", body.whole());
                faults.throwIfAny();
            }
            chat.set("thinking_token_budget", budget);
        }
        chat.put("max_completion_tokens", most);
        for (var field : List.of("temperature", "top_p", "top_k", "cache_salt")) {
            copy(body, field, chat, field);
        }
        copy(body, "stop_sequences", chat, "stop");
        var output = body.get("output_config");
        var format = output == null ? null : output.get("format");
        if (format != null && format.path("schema").isObject()) {
            var schema =
                    chat.putObject("response_format").put("type", "json_schema").putObject("json_schema");
            schema.put("name", "json_schema").set("schema", format.get("schema"));
        }
        if (body.flag("stream", false)) {
            chat.put("stream", true);
        }
        tools(body, chat);
        return chat;
    }

    /**
     * A conversation whose tokens are only counted.
     *
     * @throws ApiException for a body that does not fit
     */
    public static JsonNode count(byte[] bytes) {
        var body = BodyReader.of(bytes, COUNT, _ -> {});
        var chat = conversation(body);
        tools(body, chat);
        return chat;
    }

    private static void copy(BodyReader body, String from, ObjectNode chat, String to) {
        var value = body.get(from);
        if (value != null) {
            chat.set(to, value);
        }
    }

    private static void tools(BodyReader body, ObjectNode chat) {
        if (body.get("tools") == null) {
            return;
        }
        var tools = chat.putArray("tools");
        for (var tool : body.items("tools")) {
            var function = tools.addObject().put("type", "function").putObject("function");
            function.set("name", tool.get("name"));
            function.set("description", tool.get("description"));
            function.set("parameters", tool.get("input_schema"));
        }
        var choice = body.get("tool_choice");
        if (choice == null) {
            chat.put("tool_choice", "auto");
            return;
        }
        switch (choice.path("type").asString("")) {
            case "any" -> chat.put("tool_choice", "required");
            case "none" -> chat.put("tool_choice", "none");
            case "tool" ->
                chat.putObject("tool_choice")
                        .put("type", "function")
                        .putObject("function")
                        .set("name", choice.get("name"));
            default -> chat.put("tool_choice", "auto");
        }
    }

    private static ObjectNode conversation(BodyReader body) {
        var chat = Json.object().put("model", body.text("model"));
        var messages = chat.putArray("messages");
        var system = systemText(body.get("system"));
        if (system != null) {
            messages.addObject().put("role", "system").put("content", system);
        }
        for (var message : body.items("messages")) {
            add(messages, message.path("role").asString(""), message.path("content"));
        }
        return chat;
    }

    /** All its texts; null where there is none. What counts a client's bill is no part of a prompt. */
    private static @Nullable String systemText(@Nullable JsonNode content) {
        var texts = new ArrayList<String>();
        if (content != null && content.isString()) {
            texts.add(content.stringValue());
        } else if (content != null) {
            content.forEach(block -> texts.add(
                    block.path("type").asString("").equals("text")
                            ? block.path("text").asString("")
                            : ""));
        }
        texts.removeIf(text -> text.isEmpty() || text.startsWith("x-anthropic-billing-header"));
        return texts.isEmpty() ? null : String.join("", texts);
    }

    private static void add(ArrayNode messages, String role, JsonNode content) {
        if (role.equals("system")) {
            var text = systemText(content);
            if (text != null) {
                messages.addObject().put("role", role).put("content", text);
            }
            return;
        }
        if (content.isString()) {
            messages.addObject().put("role", role).set("content", content);
            return;
        }
        var parts = Json.array();
        for (var block : content) {
            part(messages, parts, role, block);
        }
        if (!parts.isEmpty() || !role.equals("user")) {
            messages.addObject().put("role", role).set("content", parts);
        }
    }

    private static void part(ArrayNode messages, ArrayNode parts, String role, JsonNode block) {
        switch (block.path("type").asString("")) {
            case "text" -> {
                if (!block.path("text").asString("").isEmpty()) {
                    parts.addObject().put("type", "text").set("text", block.get("text"));
                }
            }
            case "image" ->
                parts.addObject()
                        .put("type", "image_url")
                        .putObject("image_url")
                        .put("url", "");
            case "tool_result" -> {
                var result = resultText(block.path("content"));
                if (role.equals("user")) {
                    messages.addObject()
                            .put("role", "tool")
                            .put("tool_call_id", block.path("tool_use_id").asString(""))
                            .put("content", result);
                } else {
                    parts.addObject().put("type", "text").put("text", "Tool result: " + result);
                }
            }
            default -> {} // no part of a prompt without a template for it
        }
    }

    private static String resultText(JsonNode content) {
        if (!content.isArray()) {
            return content.asString("");
        }
        var texts = new ArrayList<String>();
        for (var item : content) {
            if (item.path("type").asString("").equals("text")) {
                texts.add(item.path("text").asString(""));
            }
        }
        return String.join("\n", texts);
    }
}
