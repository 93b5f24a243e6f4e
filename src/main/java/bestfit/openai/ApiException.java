package bestfit.openai;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A request cannot be served; carries the answer that says so. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient ApiError error;

    private final transient JsonNode body;
    private final @Nullable String events;

    public ApiException(ApiError error) {
        this(error, error.json(), null);
    }

    /**
     * A refusal in an API's own form.
     *
     * @param events that tell it in a stream which has begun; null: it has not
     */
    public ApiException(ApiError error, JsonNode body, @Nullable String events) {
        super(error.message());
        this.error = error;
        this.body = body;
        this.events = events;
    }

    /** The same of a stream which has begun, as in vLLM when its engine and not its API refuses. */
    public ApiException inStream() {
        return new ApiException(
                error, body, new String(StreamFormat.error(error), StandardCharsets.UTF_8) + "data: [DONE]\n\n");
    }

    public JsonNode body() {
        return body;
    }

    public @Nullable String events() {
        return events;
    }

    public ApiError error() {
        return error;
    }
}
