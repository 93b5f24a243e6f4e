package bestfit.load;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;

/** The body of a streamed chat completion, in compressa-perf's order of keys; what is optional comes after. */
final class ChatRequest {
    private ChatRequest() {}

    static byte[] body(String model, String prompt, RequestOptions options, int index, RandomGenerator nonces) {
        var body = Json.object();
        body.put("temperature", options.temperature());
        body.put("model", model);
        body.putArray("messages").addObject().put("role", "user").put("content", prompt);
        body.put("stream", true);
        body.put("max_tokens", options.maxTokens());
        body.putObject("stream_options").put("include_usage", true);
        body.put("_nonce", Integer.toUnsignedString(nonces.nextInt()));
        if (options.fixedLength()) {
            body.put("ignore_eos", true);
        }
        options.seed().ifPresent(seed -> body.put("seed", seed + index));
        return Json.write(body).getBytes(StandardCharsets.UTF_8);
    }
}
