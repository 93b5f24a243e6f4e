package bestfit.load;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.workload.TokenCounter;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Counts tokens with {@code POST /tokenize} of the server under test, as vLLM has it. Thread-safe. */
public final class ServerTokenizer implements TokenCounter {
    /** What to do about a server that {@link #isLocked}. */
    public static final String WITH_A_KEY =
            "The server wants a key: give it with --token-env, --token-file or --header.";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final HttpClient http;
    private final LoadTarget target;

    public ServerTokenizer(LoadTarget target) {
        this.target = target;
        this.http = new HttpClient(target.tls());
    }

    /** @throws ConfigException if the server does not tell */
    @Override
    public int count(String text) {
        var body = request().put("prompt", text).put("add_special_tokens", false);
        return answer(body).path("count").asInt();
    }

    @Override
    public OptionalInt countChat(String message) {
        var body = request();
        body.putArray("messages").addObject().put("role", "user").put("content", message);
        body.put("add_generation_prompt", true);
        return OptionalInt.of(answer(body).path("count").asInt());
    }

    /** The longest context that the server tells beside a count; empty if it does not. */
    public OptionalInt contextTokens() {
        var told = answer(request().put("prompt", "a")).path("max_model_len");
        return told.isInt() ? OptionalInt.of(told.intValue()) : OptionalInt.empty();
    }

    /** The server answers nobody without its key. */
    public static boolean isLocked(int status) {
        return status == 401 || status == 403;
    }

    private ObjectNode request() {
        return Json.object().put("model", target.model());
    }

    private JsonNode answer(ObjectNode body) {
        var url = target.baseUrl() + "/tokenize";
        try {
            Map<String, String> headers = new HashMap<>(target.allHeaders());
            var answer = http.call(
                    "POST", url, headers, Json.write(body).getBytes(java.nio.charset.StandardCharsets.UTF_8), PATIENCE);
            var json = answer.json();
            if (answer.status() == 200
                    && json.isPresent()
                    && json.get().path("count").isInt()) {
                return json.get();
            }
            throw new ConfigException(url + " answered " + answer.status() + " and no token count. "
                    + (isLocked(answer.status()) ? WITH_A_KEY : "Give the model's tokenizer.json with --tokenizer."));
        } catch (IOException e) {
            throw new ConfigException(e.getMessage() + ". Start the server, or correct the URL.");
        }
    }
}
