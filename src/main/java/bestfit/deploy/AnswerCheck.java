package bestfit.deploy;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Whether what serves computes numbers at all. An engine whose logits are none answers with one token for ever, is fast at
 * it, and says so nowhere but in the tokens' log-probabilities: vLLM then gives no JSON for them. Says nothing of whether the
 * answers are right. Thread-safe.
 */
public final class AnswerCheck {
    private static final int TOKENS = 4;
    /** Of Python's {@code json}, which vLLM's server answers with when a log-probability is no number. */
    private static final String NOT_JSON = "not JSON compliant";

    private final String inference;
    private final String model;
    private final HttpClient http;

    /**
     * @param inference where the OpenAI API is, without {@code /v1}
     * @param headers that it asks for
     */
    public AnswerCheck(String inference, String model, Map<String, String> headers) {
        this.inference = inference;
        this.model = model;
        this.http = new HttpClient(headers);
    }

    /**
     * Asks for one short greedy answer.
     *
     * @return what is wrong; empty if the log-probabilities are numbers, or the server gives none
     */
    public Optional<String> problem(Duration patience) {
        var body = Json.object()
                .put("model", model)
                .put("max_tokens", TOKENS)
                .put("temperature", 0)
                .put("logprobs", true);
        body.putArray("messages").addObject().put("role", "user").put("content", "Count from one to ten.");
        HttpClient.Answer answer;
        try {
            answer = http.postJson(inference + "/v1/chat/completions", body, patience);
        } catch (IOException e) {
            return Optional.empty(); // the warm-up meets it too, and names it by its class
        }
        if (answer.text().contains(NOT_JSON)) {
            return Optional.of(
                    "log-probabilities are not numbers: " + answer.text().strip());
        }
        for (var token : answer.json().orElseGet(Json::object).at("/choices/0/logprobs/content")) {
            if (!token.path("logprob").isNumber()) {
                return Optional.of("the log-probability of token " + token.path("token") + " is "
                        + token.path("logprob") + ", not a number");
            }
        }
        return Optional.empty();
    }
}
