package bestfit.openai;

import static bestfit.openai.FieldType.ANY;
import static bestfit.openai.FieldType.FLAG;
import static bestfit.openai.FieldType.TEXT;
import static bestfit.openai.FieldType.dict;
import static bestfit.openai.FieldType.literal;
import static bestfit.openai.FieldType.object;
import static bestfit.openai.FieldType.oneOf;

import bestfit.openai.FieldType.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/**
 * The parts that a message's content may consist of, as OpenAI's package, pydantic and vLLM judge them, and the text that
 * they say.
 *
 * <p>vLLM takes a message for one of OpenAI's or for one of its own kind, whichever knows more of its fields. Its own takes
 * more kinds of parts. OpenAI's looks at a part only when its turn comes, so that what stands before it may be refused first.
 */
final class ContentParts {
    /** A part with such fields. */
    private record Kind(String name, List<Field> fields) {
        FieldType type() {
            return object(true, fields);
        }

        /** Names the kind in faults. */
        FieldType oneOfSeveral() {
            return (value, location, faults) -> type().check(value, location + "." + name, faults);
        }

        boolean knowsSomeOf(JsonNode part) {
            var faults = new ShapeFaults();
            type().check(part, "", faults);
            return faults.isEmpty() && fields.stream().anyMatch(field -> part.has(field.name()));
        }
    }

    private static final FieldType OBJECT = dict(ANY);
    private static final FieldType MAYBE_TEXT = TEXT.orNull();
    private static final FieldType EMBEDS = oneOf(TEXT, OBJECT).orNull();
    private static final FieldType DETAIL = literal("auto", "low", "high", "original");

    /** An object of Python's, which no request can hold. */
    private static final FieldType PICTURE = (value, location, faults) ->
            faults.add("model_type", location, "Input should be a valid dictionary or instance of PILImage", value);

    private static final Field BREAKPOINT = Field.optional(
            "prompt_cache_breakpoint",
            object(
                    true,
                    List.of(
                            Field.required("mode", literal("explicit")),
                            Field.optional("ttl", literal("30m", "12h")))));

    private static final Kind SAID = openAi("Text", Field.required("text", TEXT), type("text"), BREAKPOINT);
    private static final Kind REFUSAL = openAi("Refusal", Field.required("refusal", TEXT), type("refusal"));
    private static final Kind IMAGE = openAi(
            "Image",
            Field.required(
                    "image_url", object(true, List.of(Field.required("url", TEXT), Field.optional("detail", DETAIL)))),
            type("image_url"),
            BREAKPOINT);
    private static final Kind INPUT_AUDIO = openAi(
            "InputAudio",
            Field.required(
                    "input_audio",
                    object(
                            true,
                            List.of(Field.required("data", TEXT), Field.required("format", literal("wav", "mp3"))))),
            type("input_audio"),
            BREAKPOINT);
    private static final Kind FILE = new Kind(
            "File",
            List.of(
                    Field.required(
                            "file",
                            object(
                                    true,
                                    List.of(
                                            Field.optional("file_data", TEXT),
                                            Field.optional("file_id", TEXT),
                                            Field.optional("filename", TEXT)))),
                    type("file"),
                    BREAKPOINT));
    private static final Kind AUDIO = openAi("Audio", url("audio_url"), type("audio_url"));
    private static final Kind VIDEO = openAi("Video", url("video_url"), type("video_url"));
    private static final Kind INPUT_IMAGE = new Kind(
            "ResponseInputImageParam",
            List.of(
                    Field.required("detail", literal("low", "high", "auto", "original")),
                    type("input_image"),
                    Field.optional("file_id", MAYBE_TEXT),
                    Field.optional("image_url", MAYBE_TEXT)));

    /** What each of OpenAI's roles may say. */
    private static final Map<String, List<Kind>> OF_ROLE = Map.of(
            "user", List.of(SAID, IMAGE, INPUT_AUDIO, FILE),
            "assistant", List.of(SAID, REFUSAL),
            "system", List.of(SAID),
            "developer", List.of(SAID),
            "tool", List.of(SAID));

    /** Fields that OpenAI's messages may have beside role and content. */
    private static final Map<String, Set<String>> FIELDS_OF_ROLE = Map.of(
            "user", Set.of("name"),
            "assistant", Set.of("name", "audio", "function_call", "refusal", "tool_calls"),
            "system", Set.of("name"),
            "developer", Set.of("name"),
            "tool", Set.of("tool_call_id"));

    private static final Set<String> OWN_FIELDS =
            Set.of("name", "tool_call_id", "tool_calls", "reasoning", "tools", "task");

    private static final List<Kind> OWN_KINDS = List.of(
            SAID,
            IMAGE,
            INPUT_AUDIO,
            FILE,
            AUDIO,
            VIDEO,
            REFUSAL,
            new Kind(
                    "CustomChatCompletionContentPILImageParam",
                    List.of(Field.optional("image_pil", PICTURE.orNull()), uuid())),
            new Kind(
                    "CustomChatCompletionContentSimpleImageParam",
                    List.of(Field.optional("image_url", MAYBE_TEXT), uuid())),
            embeds("Image"),
            embeds("Audio"),
            embeds("Video"),
            new Kind(
                    "ChatCompletionContentPartPromptEmbedsParam",
                    List.of(Field.required("data", TEXT), type("prompt_embeds"))),
            new Kind("CustomChatCompletionContentSimpleAudioParam", List.of(Field.optional("audio_url", MAYBE_TEXT))),
            new Kind(
                    "CustomChatCompletionContentSimpleVideoParam",
                    List.of(Field.optional("video_url", MAYBE_TEXT), uuid())),
            new Kind(
                    "CustomChatCompletionContentToolReferenceParam",
                    List.of(Field.optional("name", TEXT), Field.optional("type", literal("tool_reference")))),
            new Kind(
                    "CustomThinkCompletionContentParam",
                    List.of(Field.required("thinking", TEXT), Field.optional("closed", FLAG), type("thinking"))));

    /** A part of a message of vLLM's own kind. */
    static final FieldType OWN = oneOf(Stream.concat(OWN_KINDS.stream().map(Kind::oneOfSeveral), Stream.of(TEXT))
            .toArray(FieldType[]::new));

    /** Kinds of parts that say something, and the field that holds it. */
    private static final Map<String, String> SAYING = Map.of(
            "text", "text",
            "input_text", "text",
            "output_text", "text",
            "thinking", "thinking",
            "refusal", "refusal",
            "tool_reference", "name");

    /** Kinds that say nothing to a model of texts, in the order in which vLLM looks for them where the type is not told. */
    private static final List<String> MEDIA = List.of(
            "image_url",
            "image_pil",
            "image_embeds",
            "audio_embeds",
            "video_embeds",
            "prompt_embeds",
            "audio_url",
            "input_audio",
            "video_url");

    private static final String BILLING_HEADER = "x-anthropic-billing-header";

    private final String role;
    private final String model;
    private final List<JsonNode> said = new ArrayList<>();

    private ContentParts(String role, String model) {
        this.role = role;
        this.model = model;
    }

    /**
     * What a message says; parts are joined by newlines.
     *
     * @param model as the request names it
     * @throws ApiException 400 for a part that is none, or that a model of texts cannot take
     */
    static String text(JsonNode message, String model) {
        var content = message.path("content");
        var parts = new ContentParts(message.path("role").asString(""), model);
        if (content.isString()) {
            parts.add(content);
        } else if (content.isArray()) {
            parts.addAll(content.valueStream().toList(), parts.isOwn(message, content));
        } else if (content.isObject()) { // Python iterates over its keys
            parts.addAll(
                    content.propertyStream()
                            .<JsonNode>map(each -> StringNode.valueOf(each.getKey()))
                            .toList(),
                    false);
        }
        return parts.joined();
    }

    /** Whether vLLM's own kind of message knows more of this one than OpenAI's. */
    private boolean isOwn(JsonNode message, JsonNode content) {
        var theirs = FIELDS_OF_ROLE.get(role);
        if (theirs == null || (role.equals("tool") && !message.has("tool_call_id"))) {
            return true;
        }
        var faults = new ShapeFaults();
        FieldType.list(OWN).check(content, "", faults);
        long known = content.valueStream()
                .filter(part -> OWN_KINDS.stream().anyMatch(kind -> kind.knowsSomeOf(part)))
                .count();
        return faults.isEmpty() && known + count(message, OWN_FIELDS) > count(message, theirs);
    }

    private static long count(JsonNode message, Set<String> fields) {
        return fields.stream().filter(message::has).count();
    }

    private void addAll(List<JsonNode> parts, boolean own) {
        var kinds = own ? List.<Kind>of() : OF_ROLE.getOrDefault(role, List.of());
        boolean atOnce = role.equals("system");
        for (int i = 0; i < parts.size() && atOnce; i++) {
            check(parts.get(i), kinds, i);
        }
        for (int i = 0; i < parts.size(); i++) {
            check(parts.get(i), kinds, i);
            var part = parts.get(i);
            var text = part.isString() ? part : text(part);
            if (text != null) {
                add(text);
            }
        }
    }

    private static void check(JsonNode part, List<Kind> kinds, int index) {
        var faults = new ShapeFaults();
        for (var kind : kinds) {
            var own = new ShapeFaults();
            kind.type().check(part, kinds.size() == 1 ? "" + index : index + "." + kind.name(), own);
            if (own.isEmpty()) {
                return;
            }
            faults.addAll(own);
        }
        faults.throwAsPydantic("ValidatorIterator");
    }

    private @Nullable JsonNode text(JsonNode part) {
        var type = part.path("type");
        boolean hasUuid = part.hasNonNull("uuid");
        if (type.isString() && !hasUuid) {
            return ofType(type.stringValue(), part);
        }
        if (!hasUuid && part.hasNonNull("type")) {
            throw new ApiException(ApiError.badField("Invalid 'type' field in multimodal part.", "type"));
        }
        MEDIA.stream().filter(part::has).findFirst().ifPresent(kind -> refuseMedium(kind, part));
        if (!part.has("tool_reference")) {
            throw new ApiException(ApiError.badField("Missing 'type' field in multimodal part.", "type"));
        }
        return part.get("name");
    }

    private @Nullable JsonNode ofType(String type, JsonNode part) {
        var field = SAYING.get(type);
        if (field != null) {
            return part.get(field);
        }
        var kind = Map.of("image_url", IMAGE, "audio_url", AUDIO, "video_url", VIDEO, "input_image", INPUT_IMAGE)
                .get(type);
        if (kind != null) {
            var faults = new ShapeFaults();
            kind.type().check(part, "", faults);
            faults.throwAsPydantic(kind.name());
        }
        if (kind != null || MEDIA.contains(type)) {
            refuseMedium(type, part);
        }
        var supported = new TreeSet<>(SAYING.keySet());
        supported.addAll(MEDIA);
        supported.add("input_image");
        throw new ApiException(ApiError.badValue(
                "Unsupported chat content part type: " + PythonText.quoted(type) + ". Supported types: "
                        + String.join(", ", supported) + ".",
                "type",
                type));
    }

    private void refuseMedium(String kind, JsonNode part) {
        if (kind.equals("prompt_embeds")) {
            throw new ApiException(ApiError.badField(
                    part.path("data").asString("").isEmpty()
                            ? "prompt_embeds content part requires a non-empty `data` field with base64-encoded tensor"
                                    + " bytes."
                            : "You must set `--enable-prompt-embeds` to input `prompt_embeds`",
                    kind));
        }
        throw refuse(kind.endsWith("_embeds") ? "The model is not multimodal." : model + " is not a multimodal model");
    }

    /** What counts a client's bill is no part of a prompt. */
    private void add(JsonNode text) {
        if (role.equals("system") && text.isString() && text.stringValue().startsWith(BILLING_HEADER)) {
            int end = text.stringValue().indexOf('\n');
            said.add(StringNode.valueOf(end < 0 ? "" : text.stringValue().substring(end + 1)));
        } else {
            said.add(text);
        }
    }

    /** As Python joins them: what is empty or zero was dropped before, anything but text fails. */
    private String joined() {
        said.removeIf(each -> !BodyReader.isTrue(each));
        for (int i = 0; i < said.size(); i++) {
            if (!said.get(i).isString()) {
                throw refuse(
                        "sequence item " + i + ": expected str instance, " + PythonText.type(said.get(i)) + " found");
            }
        }
        return String.join("\n", said.stream().map(JsonNode::stringValue).toList());
    }

    private static ApiException refuse(String message) {
        return new ApiException(ApiError.badRequest(message, null));
    }

    private static Kind openAi(String name, Field... fields) {
        return new Kind("ChatCompletionContentPart" + name + "Param", Arrays.asList(fields));
    }

    private static Kind embeds(String of) {
        var name = of.toLowerCase(Locale.ROOT) + "_embeds";
        return openAi(of + "Embeds", Field.optional(name, EMBEDS), type(name), uuid());
    }

    private static Field type(String name) {
        return Field.required("type", literal(name));
    }

    private static Field url(String name) {
        return Field.required(name, object(true, List.of(Field.required("url", TEXT))));
    }

    private static Field uuid() {
        return Field.optional("uuid", MAYBE_TEXT);
    }
}
