package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What gonka's nodes ask of each other: an answer with its logprobs, then the same tokens prescribed to another engine. */
class EngineValidationTest {
    @AutoClose
    private static EngineUnderTest engine;

    @BeforeAll
    static void start() {
        engine = EngineUnderTest.start("--gonka", "--max-model-len", "512");
    }

    private static ObjectNode request(String word) {
        var request = Json.object().put("logprobs", true).put("top_logprobs", 3).put("max_tokens", 12);
        request.put("temperature", 0.7).put("seed", 3).put("model", "tiny");
        request.putArray("messages").addObject().put("role", "user").put("content", "Tell me of " + word);
        return request;
    }

    private static JsonNode content(ObjectNode request) {
        return engine.json("/v1/chat/completions", request.toString())
                .get("choices")
                .get(0)
                .get("logprobs")
                .get("content");
    }

    private static List<String> tokens(JsonNode content) {
        var tokens = new ArrayList<String>();
        content.forEach(each -> tokens.add(each.get("token").asString()));
        return tokens;
    }

    private static ObjectNode enforcing(ObjectNode request, List<String> tokens) {
        var list = request.putObject("enforced_tokens").putArray("tokens");
        tokens.forEach(token -> list.addObject().put("token", token).putArray("top_tokens"));
        return request;
    }

    @Test
    void prescribedTokens_comeBackWithTheirOwnLogprobs() {
        var original = content(request("layouts"));
        var ids = tokens(original);
        assertThat(ids).hasSize(12).allMatch(token -> token.matches("\\d+"));
        assertThat(original.get(0).get("top_logprobs")).hasSize(3);
        // The same prompt under the same engine: distance 0, whatever the sampler would have drawn.
        var validated = content(enforcing(request("layouts").put("seed", 4), ids));
        assertThat(tokens(validated)).isEqualTo(ids);
        for (int i = 0; i < ids.size(); i++) {
            assertThat(validated.get(i).get("logprob").doubleValue())
                    .isEqualTo(original.get(i).get("logprob").doubleValue());
        }
        // Another prompt did not give these tokens, and its logprobs show it.
        var forged = content(enforcing(request("something else altogether"), ids));
        assertThat(tokens(forged)).isEqualTo(ids);
        assertThat(forged).isNotEqualTo(validated);
    }

    @Test
    void aPrescribedAnswerEndsWithTheModelsEos() {
        var answer = engine.json(
                        "/v1/chat/completions",
                        enforcing(request("ends"), List.of("300", "301")).toString())
                .get("choices")
                .get(0);
        assertThat(answer.get("finish_reason").asString()).isEqualTo("stop");
        assertThat(tokens(answer.get("logprobs").get("content"))).hasSize(3).startsWith("300", "301");
    }

    @Test
    void whatCannotBePrescribed_isRefused() {
        var wrong = request("wrong");
        wrong.putObject("enforced_tokens").putArray("tokens").addObject().put("id", 3);
        assertThat(engine.post("/v1/chat/completions", wrong.toString()).status())
                .isEqualTo(400);
        var unknown = enforcing(request("unknown"), List.of("99999999"));
        assertThat(engine.post("/v1/chat/completions", unknown.toString()).status())
                .isEqualTo(400);
        assertThat(engine.metric("http_requests_total", "status=\"4xx\"")).isPositive();
    }
}
