package bestfit.openai;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** What form an answer has to have: {@code response_format}, {@code structured_outputs}, or {@code guided_*} of older clients. */
public sealed interface Constraint {
    /** Any JSON object. */
    record JsonObject() implements Constraint {}

    /** A JSON text of a schema. */
    record JsonSchema(JsonNode schema) implements Constraint {}

    /** A text that a regular expression matches whole. */
    record Regex(String pattern) implements Constraint {}

    /** One of some texts. */
    record Choice(List<String> texts) implements Constraint {}

    /** One of the fields {@code guided_*}, which vLLM ignores since 0.12. */
    record Guided(Constraint constraint) implements Constraint {}
}
