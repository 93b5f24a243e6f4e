package bestfit.scheduler;

import java.util.List;

/**
 * One forward pass.
 *
 * @param chunks what each sequence computes, in batch order
 * @param preempted sequences that lost their KV blocks to make it possible
 */
public record ScheduledStep(List<Chunk> chunks, List<Sequence> preempted) {
    /** Stands for a chunk that samples nothing: its prefill goes on in a later step. */
    public static final int NO_TOKEN = -1;

    /**
     * Tokens {@code start … start + tokens - 1} of a sequence.
     *
     * @param blocks the KV blocks that hold positions {@code 0 … start + tokens - 1}, in order, as of this step
     * @param cachedTokens prefix-cache hit, in the step that admits the sequence; else 0
     * @param samples true when the chunk ends at the sequence's last token, so that a token is sampled
     */
    public record Chunk(Sequence sequence, int start, int tokens, int[] blocks, int cachedTokens, boolean samples) {}

    public int tokens() {
        int sum = 0;
        for (var chunk : chunks) {
            sum += chunk.tokens();
        }
        return sum;
    }
}
