package bestfit.openai;

import bestfit.config.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Answers of {@code /v1/messages}, Anthropic's API, as vLLM 0.32 gives them. */
public final class MessagesAnswer implements AnswerDialect {
    private final String id;
    private final String model;
    private final boolean tellsCache;
    private boolean blockOpen;

    /** @param tellsCache usage says what the prefix cache held */
    public MessagesAnswer(String id, String model, boolean tellsCache) {
        this.id = id;
        this.model = model;
        this.tellsCache = tellsCache;
    }

    @Override
    public JsonNode whole(Outcome outcome) {
        var answer = Json.object().put("id", id).put("type", "message").put("role", "assistant");
        answer.putArray("content")
                .addObject()
                .put("type", "text")
                .put("text", outcome.choice().text());
        answer.put("model", model);
        var reason = stopReason(outcome.choice());
        if (reason != null) {
            answer.put("stop_reason", reason);
            if (reason.equals("stop_sequence")) {
                answer.put("stop_sequence", String.valueOf(outcome.choice().stopReason()));
            }
        }
        return answer.set("usage", usage(outcome));
    }

    private static @Nullable String stopReason(AnswerFormat.Choice choice) {
        return switch (choice.finishReason()) {
            case "length" -> "max_tokens";
            case "stop" -> choice.stopReason() instanceof String ? "stop_sequence" : "end_turn";
            default -> null;
        };
    }

    private ObjectNode usage(Outcome outcome) {
        int cached = tellsCache ? outcome.cachedTokens() : 0;
        var usage = Json.object()
                .put("input_tokens", outcome.usage().promptTokens() - cached)
                .put("output_tokens", outcome.usage().completionTokens());
        return tellsCache ? usage.put("cache_creation_input_tokens", 0).put("cache_read_input_tokens", cached) : usage;
    }

    @Override
    public String opened() {
        return "";
    }

    @Override
    public String started(int promptTokens) {
        var event = Json.object().put("type", "message_start");
        var message =
                event.putObject("message").put("id", id).put("type", "message").put("role", "assistant");
        message.putArray("content");
        message.put("model", model).putNull("stop_reason").putNull("stop_sequence");
        message.putObject("usage").put("input_tokens", promptTokens).put("output_tokens", 0);
        return AnswerDialect.event("message_start", event);
    }

    @Override
    public String delta(StreamFormat.Delta delta) {
        if (delta.text().isEmpty()) {
            return "";
        }
        var opening = blockOpen ? "" : openBlock();
        blockOpen = true;
        var event = Json.object().put("type", "content_block_delta");
        event.putObject("delta").put("type", "text_delta").put("text", delta.text());
        return opening + AnswerDialect.event("content_block_delta", event.put("index", 0));
    }

    private static String openBlock() {
        var event = Json.object().put("type", "content_block_start");
        event.putObject("content_block").put("type", "text").put("text", "");
        return AnswerDialect.event("content_block_start", event.put("index", 0));
    }

    @Override
    public String ended(Outcome outcome) {
        var closing = blockOpen
                ? AnswerDialect.event(
                        "content_block_stop",
                        Json.object().put("type", "content_block_stop").put("index", 0))
                : "";
        var reason = stopReason(outcome.choice());
        var event = Json.object().put("type", "message_delta");
        event.putObject("delta")
                .put("stop_reason", reason)
                .put(
                        "stop_sequence",
                        "stop_sequence".equals(reason)
                                ? String.valueOf(outcome.choice().stopReason())
                                : null);
        event.set("usage", usage(outcome));
        return closing
                + AnswerDialect.event("message_delta", event)
                + AnswerDialect.event("message_stop", Json.object().put("type", "message_stop"));
    }

    @Override
    public JsonNode error(ApiError error) {
        return refusal(error);
    }

    /** An error in Anthropic's form. */
    public static JsonNode refusal(ApiError error) {
        var body = Json.object().put("type", "error");
        body.putObject("error").put("type", error.type()).put("message", error.message());
        return body;
    }

    @Override
    public String broken(ApiError error) {
        return event(error);
    }

    /** An error of a stream that has begun. */
    public static String event(ApiError error) {
        var event = Json.object().put("type", "error");
        event.putObject("error").put("type", "internal_error").put("message", error.message());
        return AnswerDialect.event("error", event);
    }
}
