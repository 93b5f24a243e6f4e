package bestfit.openai;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The server-sent events of one streamed answer, byte for byte in vLLM's shape, gathered until they are sent. Written by
 * hand, since it runs once a token. Not thread-safe.
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

    private static final byte[] INDEX = ascii("{\"index\":");
    private static final byte[] CONTENT = ascii(",\"delta\":{\"content\":");
    private static final byte[] TEXT = ascii(",\"text\":");
    private static final byte[] NO_LOGPROBS = ascii(",\"logprobs\":null");
    private static final byte[] UNFINISHED = ascii(",\"finish_reason\":null");
    private static final byte[] TOKEN_IDS = ascii(",\"token_ids\":");
    private static final byte[] NULL = ascii("null");
    private static final byte[] END = ascii("}\n\n");

    private final boolean chat;
    private final byte[] head;
    private final byte[] fingerprint;
    private final boolean usageFollows;
    private final EventBytes event = new EventBytes();

    /**
     * @param created Unix time in seconds
     * @param fingerprint of the engine's configuration; the last event with content has it
     * @param usageFollows the stream ends with {@link #usage}, which is that event then
     */
    public StreamFormat(boolean chat, String id, long created, String model, String fingerprint, boolean usageFollows) {
        this.chat = chat;
        this.fingerprint =
                copy(new EventBytes().append(",\"system_fingerprint\":").quote(fingerprint));
        this.usageFollows = usageFollows;
        this.head = copy(new EventBytes()
                .append("data: {\"id\":\"")
                .append(id)
                .append("\",\"object\":\"")
                .append(chat ? "chat.completion.chunk" : "text_completion")
                .append("\",\"created\":")
                .append(Long.toString(created))
                .append(",\"model\":")
                .quote(model)
                .append(",\"choices\":["));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] copy(EventBytes made) {
        return Arrays.copyOf(made.array(), made.length());
    }

    /** Forgets the events so far: they are sent. */
    public void clear() {
        event.clear();
    }

    /** The events since {@link #clear}; only the first {@link #length} bytes count, until the next change. */
    public byte[] bytes() {
        return event.array();
    }

    /** Bytes. */
    public int length() {
        return event.length();
    }

    /** The first event of a chat choice: the role and no text. It comes with the first token. */
    public void role(
            String role,
            int index,
            @Nullable Usage usage,
            @Nullable List<Integer> promptTokens,
            @Nullable String promptText) {
        begin().append(INDEX).append(index);
        event.append(",\"delta\":{\"role\":").quote(role);
        event.append(",\"content\":\"\"}")
                .append(NO_LOGPROBS)
                .append(UNFINISHED)
                .append("}]");
        append(usage);
        event.append(",\"prompt_token_ids\":");
        ids(promptTokens);
        event.append(",\"prompt_text\":");
        if (promptText == null) {
            event.append(NULL);
        } else {
            event.quote(promptText);
        }
        event.append(END);
    }

    /** What a chat answer repeats of the conversation, behind the role. */
    public void echo(String text, int index, @Nullable Usage usage) {
        begin().append(INDEX).append(index).append(CONTENT).quote(text).append('}');
        event.append(NO_LOGPROBS).append(UNFINISHED).append("}]");
        append(usage);
        event.append(END);
    }

    public void delta(Delta delta, @Nullable Usage usage) {
        begin().append(INDEX).append(delta.index);
        if (chat) {
            event.append(CONTENT).quote(delta.text).append('}');
        } else {
            event.append(TEXT).quote(delta.text);
        }
        if (delta.logprobs == null) {
            event.append(NO_LOGPROBS);
        } else {
            var logprobs = chat
                    ? AnswerFormat.chatLogprobs(delta.logprobs)
                    : AnswerFormat.completionLogprobs(delta.logprobs, delta.textOffset);
            event.append(",\"logprobs\":").append(Json.write(logprobs));
        }
        if (delta.finishReason == null) {
            event.append(UNFINISHED);
        } else {
            event.append(",\"finish_reason\":").quote(delta.finishReason);
        }
        if (delta.finishReason != null || !chat) {
            reason(delta.stopReason);
        }
        if (!chat) {
            event.append(",\"prompt_token_ids\":");
            ids(delta.promptTokens);
        }
        event.append(TOKEN_IDS);
        ids(delta.tokens);
        event.append("}]");
        append(usage);
        if (delta.finishReason != null && !usageFollows) {
            event.append(fingerprint);
        }
        event.append(END);
    }

    private void ids(@Nullable List<Integer> ids) {
        if (ids == null) {
            event.append(NULL);
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
            event.quote(text);
        } else {
            event.append(String.valueOf(stopReason));
        }
    }

    /**
     * The event without choices that {@code include_usage} asks for, before {@link #done}.
     *
     * @param cachedTokens of the prompt, from the prefix cache; null where it is not told
     */
    public void usage(Usage usage, @Nullable Integer cachedTokens) {
        begin().append(']');
        counts(usage);
        if (cachedTokens != null) {
            event.append(",\"prompt_tokens_details\":{\"cached_tokens\":").append(cachedTokens.intValue());
            event.append(chat ? ",\"created_cache_tokens\":0}" : "}");
        }
        event.append('}').append(fingerprint).append(END);
    }

    /** What ends every stream. */
    public void done() {
        event.append(DONE);
    }

    /** vLLM ends a broken stream with this event and {@link #DONE}; the status stays 200. */
    public static byte[] error(ApiError error) {
        return ("data: " + PythonText.json(error.json()) + "\n\n").getBytes(StandardCharsets.UTF_8);
    }

    private EventBytes begin() {
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
}
