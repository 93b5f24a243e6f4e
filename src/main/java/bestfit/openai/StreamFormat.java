package bestfit.openai;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The server-sent events of one streamed answer, byte for byte in vLLM's shape. Written by hand, since it runs once a
 * token. Not thread-safe.
 */
public final class StreamFormat {
    public static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8);

    /**
     * What a chunk adds to one choice.
     *
     * @param finishReason null while it goes on
     * @param stopReason see {@link AnswerFormat.Choice}
     * @param logprobs of the chunk's tokens; null when not asked for
     * @param textOffset characters of the answer before this chunk
     * @param promptTokens the prompt's ids with the first chunk, where the request wants them (completions)
     * @param tokens the chunk's ids where the request wants them
     */
    public record Delta(
            int index,
            String text,
            @Nullable String finishReason,
            @Nullable Object stopReason,
            @Nullable List<TokenLogprob> logprobs,
            int textOffset,
            @Nullable List<Integer> promptTokens,
            @Nullable List<Integer> tokens) {}

    private final boolean chat;
    private final String head;
    private final String fingerprint;
    private final boolean usageFollows;
    private final StringBuilder event = new StringBuilder(512);

    /**
     * @param created Unix time in seconds
     * @param fingerprint of the engine's configuration; the last event with content has it
     * @param usageFollows the stream ends with {@link #usage}, which is that event then
     */
    public StreamFormat(boolean chat, String id, long created, String model, String fingerprint, boolean usageFollows) {
        this.chat = chat;
        var quoted = new StringBuilder(",\"system_fingerprint\":");
        quote(quoted, fingerprint);
        this.fingerprint = quoted.toString();
        this.usageFollows = usageFollows;
        var start = new StringBuilder("data: {\"id\":\"").append(id).append("\",\"object\":\"");
        start.append(chat ? "chat.completion.chunk" : "text_completion")
                .append("\",\"created\":")
                .append(created);
        quote(start.append(",\"model\":"), model);
        this.head = start.append(",\"choices\":[").toString();
    }

    /** The first event of a chat choice: the role and no text. It comes with the first token. */
    public byte[] role(String role, int index, @Nullable Usage usage, @Nullable List<Integer> promptTokens) {
        begin().append("{\"index\":").append(index);
        quote(event.append(",\"delta\":{\"role\":"), role);
        event.append(",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]");
        append(usage);
        event.append(",\"prompt_token_ids\":");
        ids(promptTokens);
        event.append(",\"prompt_text\":null");
        return end();
    }

    public byte[] delta(Delta delta, @Nullable Usage usage) {
        begin().append("{\"index\":").append(delta.index);
        if (chat) {
            quote(event.append(",\"delta\":{\"content\":"), delta.text);
            event.append('}');
        } else {
            quote(event.append(",\"text\":"), delta.text);
        }
        event.append(",\"logprobs\":");
        if (delta.logprobs == null) {
            event.append("null");
        } else if (chat) {
            event.append(AnswerFormat.chatLogprobs(delta.logprobs));
        } else {
            event.append(AnswerFormat.completionLogprobs(delta.logprobs, delta.textOffset));
        }
        event.append(",\"finish_reason\":");
        if (delta.finishReason == null) {
            event.append("null");
        } else {
            quote(event, delta.finishReason);
        }
        if (delta.finishReason != null || !chat) {
            reason(delta.stopReason);
        }
        if (!chat) {
            event.append(",\"prompt_token_ids\":");
            ids(delta.promptTokens);
        }
        event.append(",\"token_ids\":");
        ids(delta.tokens);
        event.append("}]");
        append(usage);
        if (delta.finishReason != null && !usageFollows) {
            event.append(fingerprint);
        }
        return end();
    }

    private void ids(@Nullable List<Integer> ids) {
        if (ids == null) {
            event.append("null");
            return;
        }
        char before = '[';
        for (int id : ids) {
            event.append(before).append(id);
            before = ',';
        }
        event.append(ids.isEmpty() ? "[]" : "]");
    }

    private void reason(@Nullable Object stopReason) {
        event.append(",\"stop_reason\":");
        if (stopReason instanceof String text) {
            quote(event, text);
        } else {
            event.append(stopReason);
        }
    }

    /**
     * The event without choices that {@code include_usage} asks for, before {@link #DONE}.
     *
     * @param cachedTokens of the prompt, from the prefix cache; null where it is not told
     */
    public byte[] usage(Usage usage, @Nullable Integer cachedTokens) {
        begin().append(']');
        counts(usage);
        if (cachedTokens != null) {
            event.append(",\"prompt_tokens_details\":{\"cached_tokens\":").append(cachedTokens);
            event.append(chat ? ",\"created_cache_tokens\":0}" : "}");
        }
        event.append('}').append(fingerprint);
        return end();
    }

    /** vLLM ends a broken stream with this event and {@link #DONE}; the status stays 200. */
    public static byte[] error(ApiError error) {
        return ("data: " + error.json() + "\n\n").getBytes(StandardCharsets.UTF_8);
    }

    private StringBuilder begin() {
        event.setLength(0);
        return event.append(head);
    }

    private void append(@Nullable Usage usage) {
        if (usage != null) {
            counts(usage);
            event.append(chat ? ",\"completion_tokens_details\":null}" : "}");
        }
    }

    private void counts(Usage usage) {
        event.append(",\"usage\":{\"prompt_tokens\":").append(usage.promptTokens());
        event.append(",\"total_tokens\":").append(usage.promptTokens() + usage.completionTokens());
        event.append(",\"completion_tokens\":").append(usage.completionTokens());
    }

    private byte[] end() {
        return event.append("}\n\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
