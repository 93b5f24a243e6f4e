package bestfit.openai;

import bestfit.config.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Tokens of one request; the only reliable count of what was generated, since a chunk is not a token. */
public record Usage(int promptTokens, int completionTokens) {
    public ObjectNode json() {
        return Json.object()
                .put("prompt_tokens", promptTokens)
                .put("total_tokens", promptTokens + completionTokens)
                .put("completion_tokens", completionTokens);
    }

    /** Reads a {@code usage} object; absent counts are 0. */
    public static Usage read(JsonNode usage) {
        return new Usage(
                usage.path("prompt_tokens").asInt(0),
                usage.path("completion_tokens").asInt(0));
    }
}
