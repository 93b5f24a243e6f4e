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

import bestfit.openai.FieldType.Field;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The fields that vLLM 0.32 checks in each kind of request, in its order, which is that of the faults it tells. */
final class RequestShape {
    private static final FieldType TOKEN = FieldType.atLeast(BigInteger.ZERO);
    private static final FieldType TEXT_OR_TEXTS = oneOf(TEXT, list(TEXT, 4));
    private static final FieldType OBJECT = dict(FieldType.ANY);
    private static final FieldType MESSAGES = list(message());

    /** {@code /v1/chat/completions}. */
    static final FieldType CHAT = object(
            false,
            together(
                    List.of(Field.required("messages", MESSAGES), Field.optional("model", TEXT.orNull())),
                    nullable(NUMBER, "frequency_penalty"),
                    nullable(dict(NUMBER), "logit_bias"),
                    nullable(FLAG, "logprobs"),
                    nullable(WHOLE, "top_logprobs", "max_tokens", "max_completion_tokens", "n"),
                    nullable(NUMBER, "presence_penalty"),
                    nullable(ConstraintShape.RESPONSE_FORMAT, "response_format"),
                    nullable(FieldType.signed64(), "seed"),
                    nullable(TEXT_OR_TEXTS, "stop"),
                    nullable(FLAG, "stream"),
                    nullable(streamOptions(), "stream_options"),
                    nullable(NUMBER, "temperature", "top_p"),
                    nullable(list(tool()), "tools"),
                    nullable(literal("none", "minimal", "low", "medium", "high", "xhigh", "max"), "reasoning_effort"),
                    fields(FLAG, "include_reasoning"),
                    nullable(FLAG, "parallel_tool_calls"),
                    common(),
                    nullable(WHOLE, "prompt_logprobs"),
                    nullable(list(WHOLE), "logprob_token_ids", "allowed_token_ids"),
                    fields(list(TEXT), "bad_words"),
                    fields(FLAG, "echo", "add_generation_prompt", "continue_final_message", "add_special_tokens"),
                    nullable(list(dict(TEXT)), "documents"),
                    nullable(TEXT, "chat_template"),
                    nullable(OBJECT, "chat_template_kwargs"),
                    nullable(dict(OBJECT), "media_io_kwargs"),
                    nullable(OBJECT, "mm_processor_kwargs"),
                    nullable(ConstraintShape.STRUCTURED_OUTPUTS, "structured_outputs"),
                    last()));

    /** {@code /v1/completions}. */
    static final FieldType COMPLETION = object(
            false,
            together(
                    nullable(TEXT, "model"),
                    nullable(oneOf(list(TOKEN), list(list(TOKEN)), TEXT, list(TEXT)), "prompt"),
                    nullable(FLAG, "echo"),
                    nullable(NUMBER, "frequency_penalty"),
                    nullable(dict(NUMBER), "logit_bias"),
                    nullable(WHOLE, "logprobs", "max_tokens"),
                    fields(WHOLE, "n"),
                    nullable(NUMBER, "presence_penalty"),
                    nullable(FieldType.signed64(), "seed"),
                    nullable(TEXT_OR_TEXTS, "stop"),
                    nullable(FLAG, "stream"),
                    nullable(streamOptions(), "stream_options"),
                    nullable(TEXT, "suffix"),
                    nullable(NUMBER, "temperature", "top_p"),
                    common(),
                    nullable(list(WHOLE), "allowed_token_ids"),
                    nullable(WHOLE, "prompt_logprobs"),
                    nullable(list(WHOLE), "logprob_token_ids"),
                    fields(list(TEXT), "bad_words"),
                    fields(FLAG, "add_special_tokens"),
                    nullable(ConstraintShape.RESPONSE_FORMAT, "response_format"),
                    nullable(ConstraintShape.STRUCTURED_OUTPUTS, "structured_outputs"),
                    last()));

    /** {@code /tokenize}: a text or a conversation. */
    static final FieldType TOKENIZE = oneOf(
            object(
                    false,
                    together(
                            nullable(TEXT, "model"),
                            List.of(Field.required("prompt", TEXT)),
                            fields(FLAG, "add_special_tokens"),
                            nullable(FLAG, "return_token_strs"))),
            object(
                    false,
                    together(
                            nullable(TEXT, "model"),
                            List.of(Field.required("messages", MESSAGES)),
                            fields(FLAG, "add_generation_prompt"),
                            nullable(FLAG, "return_token_strs"),
                            fields(FLAG, "continue_final_message", "add_special_tokens"))));

    static final FieldType DETOKENIZE =
            object(false, together(nullable(TEXT, "model"), List.of(Field.required("tokens", list(TOKEN)))));

    private RequestShape() {}

    @SafeVarargs
    static List<Field> together(List<Field>... parts) {
        var all = new ArrayList<Field>();
        for (var part : parts) {
            all.addAll(part);
        }
        return List.copyOf(all);
    }

    private static List<Field> fields(FieldType type, String... names) {
        return Stream.of(names).map(name -> Field.optional(name, type)).toList();
    }

    private static List<Field> nullable(FieldType type, String... names) {
        return fields(type.orNull(), names);
    }

    private static FieldType streamOptions() {
        return object(false, nullable(FLAG, "include_usage", "continuous_usage_stats"));
    }

    private static FieldType tool() {
        var function = object(
                false,
                together(
                        List.of(Field.required("name", TEXT)),
                        nullable(TEXT, "description"),
                        nullable(OBJECT, "parameters")));
        return object(
                false, List.of(Field.optional("type", literal("function")), Field.required("function", function)));
    }

    private static List<Field> common() {
        return together(
                nullable(TEXT, "user"),
                fields(FLAG, "use_beam_search"),
                nullable(WHOLE, "top_k"),
                nullable(NUMBER, "min_p", "repetition_penalty"),
                nullable(FLAG, "watermarking"),
                fields(NUMBER, "length_penalty"),
                nullable(list(WHOLE), "stop_token_ids"),
                fields(FLAG, "include_stop_str_in_output", "ignore_eos"),
                fields(WHOLE, "min_tokens"),
                fields(FLAG, "skip_special_tokens", "spaces_between_special_tokens"),
                nullable(FieldType.from(BigInteger.ONE.negate()), "truncate_prompt_tokens"),
                nullable(literal("left", "right"), "truncation_side"));
    }

    private static List<Field> last() {
        return together(
                fields(WHOLE, "priority"),
                fields(TEXT, "request_id"),
                nullable(TEXT, "session_id"),
                nullable(FLAG, "return_tokens_as_token_ids", "return_token_ids"),
                fields(WHOLE, "routed_experts_prompt_start"),
                nullable(FLAG, "return_token_offsets", "return_prompt_text"),
                fields(literal("tensors", "none"), "mm_payload"),
                nullable(FLAG, "return_mm_kwargs"),
                nullable(TEXT, "cache_salt"),
                nullable(OBJECT, "kv_transfer_params", "ec_transfer_params"),
                nullable(dict(oneOf(TEXT, WHOLE, NUMBER, list(oneOf(TEXT, WHOLE, NUMBER)))), "vllm_xargs"),
                nullable(repetition(), "repetition_detection"),
                nullable(FieldType.atLeast(BigInteger.ONE), "stream_interval"));
    }

    /** Values that do not go together end vLLM's reading at once, whatever else it found. */
    private static FieldType repetition() {
        var sizes = List.of("max_pattern_size", "min_pattern_size", "min_count");
        var fields = FieldType.dataclass("RepetitionDetectionParams", fields(WHOLE, sizes.toArray(String[]::new)));
        return (value, location, faults) -> {
            var own = new ShapeFaults();
            fields.check(value, location, own);
            faults.addAll(own);
            if (own.isEmpty()) {
                var body = BodyReader.of(value);
                SamplingRules.checkRepetition(
                        body.whole(sizes.get(0), 0), body.whole(sizes.get(1), 0), body.whole(sizes.get(2), 0));
            }
        };
    }

    /** Every kind of message that OpenAI's package and vLLM know is tried, and each says what it lacks. */
    private static FieldType message() {
        FieldType parts = (value, location, faults) -> {
            if (!value.isArray() && !value.isObject() && !value.isString()) {
                faults.add("iterable_type", location, "Input should be iterable", value);
            }
        };
        var content = oneOf(TEXT, parts);
        var kinds = new ArrayList<FieldType>();
        for (var role : List.of("developer", "system", "user")) {
            kinds.add(kind(role, List.of(Field.required("content", content), role(role))));
        }
        kinds.add(kind("assistant", List.of(role("assistant"), Field.optional("content", content.orNull()))));
        kinds.add(kind(
                "tool",
                List.of(Field.required("content", content), role("tool"), Field.required("tool_call_id", TEXT))));
        kinds.add(kind(
                "function",
                List.of(Field.required("content", TEXT.orNull()), Field.required("name", TEXT), role("function"))));
        kinds.add(named(
                "CustomChatCompletionMessageParam",
                object(
                        true,
                        List.of(
                                Field.required("role", TEXT),
                                Field.optional("content", oneOf(TEXT, list(ContentParts.OWN)))))));
        kinds.add(named(
                "Message",
                object(false, List.of(Field.required("author", OBJECT), Field.optional("content", list(OBJECT))))));
        return oneOf(kinds.toArray(FieldType[]::new));
    }

    private static Field role(String role) {
        return Field.required("role", literal(role));
    }

    private static FieldType kind(String role, List<Field> fields) {
        var name = Character.toUpperCase(role.charAt(0)) + role.substring(1);
        return named("ChatCompletion" + name + "MessageParam", object(true, fields));
    }

    private static FieldType named(String name, FieldType type) {
        return (value, location, faults) -> type.check(value, location + "." + name, faults);
    }
}
