package bestfit.load;

import bestfit.config.Json;
import bestfit.workload.PromptSource;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;

/**
 * The bodies that {@code bestfit bench} sends: streamed, with usage, of exactly {@code outputTokens}.
 *
 * @param chat messages for chat completions, else a prompt for text completions
 * @param temperature of the sampling
 */
public record BenchBody(String model, PromptSource prompts, boolean chat, int outputTokens, double temperature)
        implements IntFunction<byte[]> {
    @Override
    public byte[] apply(int index) {
        var body = Json.object().put("model", model);
        var prompt = prompts.prompt(index);
        if (chat) {
            body.putArray("messages").addObject().put("role", "user").put("content", prompt);
        } else {
            body.put("prompt", prompt);
        }
        body.put("max_tokens", outputTokens).put("temperature", temperature).put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        body.put("ignore_eos", true);
        return Json.write(body).getBytes(StandardCharsets.UTF_8);
    }
}
