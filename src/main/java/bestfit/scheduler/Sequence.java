package bestfit.scheduler;

import java.util.Arrays;

/**
 * A request as the scheduler sees it: prompt tokens, then generated ones. Owned by one scheduler; not thread-safe.
 */
public final class Sequence {
    /**
     * When a sequence ends by itself.
     *
     * @param maxTokens greatest number of generated tokens
     * @param minTokens stop tokens do not count before so many
     * @param stopTokens ids that end it (the EOS id among them unless ignore_eos)
     */
    public record Limits(int maxTokens, int minTokens, int[] stopTokens) {}

    /** Why it ended. */
    public enum Finish {
        STOP,
        LENGTH,
        ABORT
    }

    private final String id;
    private final int promptLength;
    private final int priority;
    private final Limits limits;
    private int[] tokens;
    private int length;

    /** @param priority lower goes first; used by the priority policy only */
    public Sequence(String id, int[] prompt, int priority, Limits limits) {
        this.id = id;
        this.promptLength = prompt.length;
        this.priority = priority;
        this.limits = limits;
        this.tokens = Arrays.copyOf(prompt, prompt.length + Math.min(limits.maxTokens(), 1024));
        this.length = prompt.length;
    }

    public String id() {
        return id;
    }

    public int promptLength() {
        return promptLength;
    }

    public int priority() {
        return priority;
    }

    public Limits limits() {
        return limits;
    }

    /** Prompt and generated tokens so far. */
    public int length() {
        return length;
    }

    public int generated() {
        return length - promptLength;
    }

    public int token(int index) {
        return tokens[index];
    }

    void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, length + length / 2 + 16);
        }
        tokens[length++] = token;
    }
}
