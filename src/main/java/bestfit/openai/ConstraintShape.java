package bestfit.openai;

import static bestfit.openai.FieldType.FLAG;
import static bestfit.openai.FieldType.TEXT;
import static bestfit.openai.FieldType.dict;
import static bestfit.openai.FieldType.list;
import static bestfit.openai.FieldType.literal;
import static bestfit.openai.FieldType.object;
import static bestfit.openai.FieldType.oneOf;

import bestfit.openai.FieldType.Field;
import java.util.List;

/** The fields that say which form an answer has, as vLLM 0.32 checks them. */
final class ConstraintShape {
    private static final FieldType OBJECT = dict(FieldType.ANY);

    private static final FieldType JSON_SCHEMA = object(
            false,
            List.of(
                    Field.required("name", TEXT),
                    Field.optional("description", TEXT.orNull()),
                    Field.optional("schema", OBJECT.orNull()),
                    Field.optional("strict", FLAG.orNull())));

    private static final FieldType TAG = object(
            false,
            List.of(
                    Field.required("begin", TEXT),
                    Field.optional("schema", OBJECT.orNull()),
                    Field.required("end", TEXT)));

    static final FieldType RESPONSE_FORMAT = oneOf(
            object(
                    false,
                    List.of(
                            Field.required("type", literal("text", "json_object", "json_schema")),
                            Field.optional("json_schema", JSON_SCHEMA.orNull()))),
            object(
                    false,
                    List.of(
                            Field.required("type", literal("structural_tag")),
                            Field.required("format", FieldType.ANY))),
            object(
                    false,
                    List.of(
                            Field.required("type", literal("structural_tag")),
                            Field.required("structures", list(TAG)),
                            Field.required("triggers", list(TEXT)))));

    static final FieldType STRUCTURED_OUTPUTS = object(
            true,
            List.of(
                    Field.optional("json", oneOf(TEXT, OBJECT).orNull()),
                    Field.optional("regex", TEXT.orNull()),
                    Field.optional("choice", list(TEXT).orNull()),
                    Field.optional("grammar", TEXT.orNull()),
                    Field.optional("json_object", FLAG.orNull()),
                    Field.optional("disable_any_whitespace", FLAG),
                    Field.optional("disable_additional_properties", FLAG),
                    Field.optional("whitespace_pattern", TEXT.orNull()),
                    Field.optional("structural_tag", TEXT.orNull())));

    private ConstraintShape() {}
}
