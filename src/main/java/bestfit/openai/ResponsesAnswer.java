package bestfit.openai;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Answers of {@code /v1/responses} as vLLM 0.32 gives them for a text model: one message, and what was asked repeated. */
public final class ResponsesAnswer implements AnswerDialect {
    private static final double GREEDY_BELOW = 1e-5;
    private static final List<String> TOOL =
            List.of("allowed_callers", "async", "defer_loading", "description", "output_schema");

    /**
     * What an answer says of its request.
     *
     * @param message id of the one message
     * @param created Unix time in seconds
     * @param asked the request's body
     * @param temperature that counts
     * @param maxTokens that the answer may have
     */
    public record Frame(
            String id,
            String message,
            long created,
            String model,
            JsonNode asked,
            GenerationOptions options,
            double temperature,
            int maxTokens) {}

    private final Frame frame;
    private final StringBuilder text = new StringBuilder();
    private final List<TokenLogprob> logprobs = new ArrayList<>();
    private int sequence;
    private boolean messageOpen;

    public ResponsesAnswer(Frame frame) {
        this.frame = frame;
    }

    @Override
    public JsonNode whole(Outcome outcome) {
        var choice = outcome.choice();
        var part = choice.text().isEmpty() ? null : part(choice.text(), logprobs(choice.logprobs()));
        return response(status(choice), message("completed", part), usage(outcome));
    }

    private static String status(AnswerFormat.Choice choice) {
        return choice.finishReason().equals("length") ? "incomplete" : "completed";
    }

    private ObjectNode message(String status, @Nullable JsonNode part) {
        var message = Json.object().put("id", frame.message);
        var content = message.putArray("content");
        if (part != null) {
            content.add(part);
        }
        return message.put("role", "assistant")
                .put("status", status)
                .put("type", "message")
                .putNull("phase");
    }

    private static ObjectNode part(String text, @Nullable JsonNode logprobs) {
        var part = Json.object();
        part.putArray("annotations");
        part.put("text", text).put("type", "output_text");
        return part.set("logprobs", logprobs);
    }

    private static ObjectNode usage(Outcome outcome) {
        var usage = Json.object().put("input_tokens", outcome.usage().promptTokens());
        var input = usage.putObject("input_tokens_details");
        input.put("cached_tokens", outcome.cachedTokens()).put("cache_write_tokens", 0);
        input.putArray("input_tokens_per_turn");
        input.putArray("cached_tokens_per_turn");
        usage.put("output_tokens", outcome.usage().completionTokens());
        var output = usage.putObject("output_tokens_details");
        output.put("reasoning_tokens", 0).put("tool_output_tokens", 0);
        output.putArray("output_tokens_per_turn");
        output.putArray("tool_output_tokens_per_turn");
        return usage.put(
                "total_tokens", outcome.usage().promptTokens() + outcome.usage().completionTokens());
    }

    private ObjectNode response(String status, @Nullable JsonNode message, @Nullable JsonNode usage) {
        var asked = BodyReader.of(frame.asked);
        var options = frame.options;
        var answer = Json.object().put("id", frame.id).put("created_at", frame.created);
        if (status.equals("incomplete")) {
            answer.putObject("incomplete_details").put("reason", "max_output_tokens");
        } else {
            answer.putNull("incomplete_details");
        }
        repeat(answer, asked, "instructions", "metadata");
        answer.put("model", frame.model).put("object", "response");
        var output = answer.putArray("output");
        if (message != null) {
            output.add(message);
        }
        boolean greedy = options.temperature() < GREEDY_BELOW;
        answer.put("parallel_tool_calls", asked.flag("parallel_tool_calls", true))
                .put("temperature", frame.temperature);
        var tools = tools(asked);
        var choice = asked.get("tool_choice");
        answer.set("tool_choice", tools.isEmpty() ? word("none") : choice == null ? word("auto") : choice);
        answer.set("tools", tools);
        answer.put("top_p", greedy ? 1.0 : options.topP())
                .put("background", asked.flag("background", false))
                .put("max_output_tokens", frame.maxTokens);
        repeat(answer, asked, "max_tool_calls", "previous_response_id", "prompt");
        answer.set("reasoning", reasoning(asked.get("reasoning")));
        var tier = asked.text("service_tier");
        answer.put("service_tier", tier == null ? "auto" : tier).put("status", status);
        answer.set("text", text(asked.get("text")));
        answer.put("top_logprobs", options.logprobs());
        var truncation = asked.text("truncation");
        answer.put("truncation", truncation == null ? "disabled" : truncation);
        answer.set("usage", usage);
        repeat(answer, asked, "user");
        answer.put("presence_penalty", options.presencePenalty()).put("frequency_penalty", options.frequencyPenalty());
        return answer.putNull("kv_transfer_params")
                .putNull("ec_transfer_params")
                .putNull("input_messages")
                .putNull("output_messages");
    }

    private static JsonNode word(String word) {
        return StringNode.valueOf(word);
    }

    private static void repeat(ObjectNode answer, BodyReader asked, String... fields) {
        for (var field : fields) {
            answer.set(field, asked.get(field));
        }
    }

    private static ArrayNode tools(BodyReader asked) {
        var tools = Json.array();
        for (var tool : asked.items("tools")) {
            var told = tools.addObject();
            told.set("name", tool.get("name"));
            told.set("parameters", tool.get("parameters"));
            told.set("strict", tool.get("strict"));
            told.put("type", tool.path("type").asString(""));
            TOOL.forEach(field -> told.set(field, tool.get(field)));
        }
        return tools;
    }

    private static @Nullable JsonNode reasoning(@Nullable JsonNode asked) {
        if (asked == null) {
            return null;
        }
        var told = Json.object();
        for (var field : List.of("context", "effort", "generate_summary", "mode", "summary")) {
            told.set(field, asked.get(field));
        }
        return told;
    }

    private static @Nullable JsonNode text(@Nullable JsonNode asked) {
        if (asked == null) {
            return null;
        }
        var told = Json.object();
        var format = asked.get("format");
        if (format != null && format.path("type").asString("").equals("json_schema")) {
            var form = told.putObject("format");
            for (var field : List.of("name", "schema", "type", "description", "strict")) {
                form.set(field, format.get(field));
            }
        } else {
            told.set("format", format);
        }
        told.set("verbosity", asked.get("verbosity"));
        return told;
    }

    /** Null when there are none. */
    private static @Nullable ArrayNode logprobs(@Nullable List<TokenLogprob> tokens) {
        if (tokens == null || tokens.isEmpty()) {
            return null;
        }
        var all = Json.array();
        for (var token : tokens) {
            var node = entry(all.addObject(), token.token(), token.logprob());
            var top = node.putArray("top_logprobs");
            token.top().forEach(other -> entry(top.addObject(), other.token(), other.logprob()));
        }
        return all;
    }

    private static ObjectNode entry(ObjectNode node, String token, double logprob) {
        node.put("token", token);
        var bytes = node.putArray("bytes");
        for (byte each : token.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(each & 0xff);
        }
        return node.put("logprob", AnswerFormat.finite(logprob));
    }

    /** Those of a delta have no bytes. */
    private static ArrayNode bare(@Nullable List<TokenLogprob> tokens) {
        var all = logprobs(tokens);
        if (all == null) {
            return Json.array();
        }
        for (var token : all) {
            ((ObjectNode) token).remove("bytes");
            token.get("top_logprobs").forEach(other -> ((ObjectNode) other).remove("bytes"));
        }
        return all;
    }

    private String event(String type, ObjectNode data) {
        return AnswerDialect.event(type, data.put("sequence_number", sequence++).put("type", type));
    }

    private String progress(String type, String status) {
        var data = Json.object();
        data.set("response", response(status, null, null));
        return event(type, data);
    }

    private ObjectNode place() {
        return Json.object()
                .put("content_index", 0)
                .put("item_id", frame.message)
                .put("output_index", 0);
    }

    @Override
    public String opened() {
        return progress("response.created", "in_progress") + progress("response.in_progress", "in_progress");
    }

    @Override
    public String started(int promptTokens) {
        return "";
    }

    /** Tokens that bring no text yet are told nowhere, nor are their log-probabilities. */
    @Override
    public String delta(StreamFormat.Delta delta) {
        if (delta.text().isEmpty()) {
            return "";
        }
        var opening = messageOpen ? "" : openMessage();
        messageOpen = true;
        text.append(delta.text());
        if (delta.logprobs() != null) {
            logprobs.addAll(delta.logprobs());
        }
        var data =
                Json.object().put("content_index", 0).put("delta", delta.text()).put("item_id", frame.message);
        data.set("logprobs", bare(delta.logprobs()));
        return opening + event("response.output_text.delta", data.put("output_index", 0));
    }

    private String openMessage() {
        var added = Json.object();
        added.set("item", message("in_progress", null));
        var first = event("response.output_item.added", added.put("output_index", 0));
        var part = place();
        part.set("part", part("", Json.array()));
        return first + event("response.content_part.added", part);
    }

    @Override
    public String ended(Outcome outcome) {
        if (!messageOpen) {
            return completed(outcome, null);
        }
        var part = part(text.toString(), logprobs(logprobs));
        var done = Json.object().put("content_index", 0).put("item_id", frame.message);
        done.putArray("logprobs");
        done.put("output_index", 0).put("sequence_number", sequence++).put("text", text.toString());
        var closing = AnswerDialect.event("response.output_text.done", done.put("type", "response.output_text.done"));
        var partDone = place();
        partDone.set("part", part);
        closing += event("response.content_part.done", partDone);
        var item = message("completed", part);
        var itemDone = Json.object();
        itemDone.set("item", item);
        closing += event("response.output_item.done", itemDone.put("output_index", 0));
        return closing + completed(outcome, item);
    }

    private String completed(Outcome outcome, @Nullable JsonNode message) {
        var data = Json.object();
        data.set("response", response(status(outcome.choice()), message, usage(outcome)));
        return event("response.completed", data);
    }

    @Override
    public JsonNode error(ApiError error) {
        return error.json();
    }

    @Override
    public @Nullable String broken(ApiError error) {
        return null;
    }
}
