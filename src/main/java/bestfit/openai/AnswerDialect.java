package bestfit.openai;

import bestfit.config.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The form of an answer to one conversation in another API than OpenAI's chat. Of a stream each method gives the next events as
 * text, empty for none. Not thread-safe.
 */
public interface AnswerDialect {
    /**
     * What the answer came to.
     *
     * @param cachedTokens of the prompt, from the prefix cache
     */
    record Outcome(AnswerFormat.Choice choice, Usage usage, int cachedTokens) {}

    /** The whole answer. */
    JsonNode whole(Outcome outcome);

    /** A stream's first events, before any token. */
    String opened();

    /** With the first token. */
    String started(int promptTokens);

    String delta(StreamFormat.Delta delta);

    String ended(Outcome outcome);

    JsonNode error(ApiError error);

    /** What ends a stream when the engine dies; null: the connection breaks off. */
    @Nullable
    String broken(ApiError error);

    /** A server-sent event with a name. */
    static String event(String name, JsonNode data) {
        return "event: " + name + "\ndata: " + Json.write(data) + "\n\n";
    }
}
