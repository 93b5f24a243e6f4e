package bestfit.scheduler;

import java.util.List;

/**
 * One forward pass.
 *
 * @param chunks what each sequence computes, in batch order
 * @param preempted sequences that lost their KV blocks to make it possible, in that order
 * @param refused sequences that can never be admitted and ended unseen, with finish reason LENGTH (V0 only)
 */
public record ScheduledStep(List<Chunk> chunks, List<Sequence> preempted, List<Sequence> refused) {
    /** Stands for a chunk that samples nothing: its prefill goes on in a later step. */
    public static final int NO_TOKEN = -1;

    /** How a sequence came into the step. */
    public enum Entry {
        /** It was running already. */
        RUNNING,
        /** Admitted for the first time. */
        NEW,
        /** Admitted again after preemption. */
        RESUMED
    }

    /**
     * Tokens {@code start … start + tokens - 1} of a sequence.
     *
     * @param blocks the KV blocks of positions {@code 0 … start + tokens - 1}, in order; entries after those are not the
     *     chunk's. Not to be written
     * @param cachedTokens prefix-cache hit, in the step that admits the sequence; else 0
     * @param samples true when the chunk ends at the sequence's last token, so that a token is sampled
     */
    public record Chunk(
            Sequence sequence, int start, int tokens, int[] blocks, Entry entry, int cachedTokens, boolean samples) {}

    public int tokens() {
        int sum = 0;
        for (var chunk : chunks) {
            sum += chunk.tokens();
        }
        return sum;
    }
}
