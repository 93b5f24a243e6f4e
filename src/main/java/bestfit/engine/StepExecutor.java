package bestfit.engine;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Computes forward passes. Up to {@link #stages()} passes may be outstanding; they complete in order. Submitting is done
 * by one thread.
 */
public interface StepExecutor extends AutoCloseable {
    /**
     * One sequence's part of a pass.
     *
     * @param sequenceId stable over the sequence's life
     * @param tokens the ids to compute
     * @param start position of the first of them
     * @param blocks KV blocks of positions {@code 0 … start + tokens.length - 1}
     * @param sampling how to sample the next token; null when this part samples none
     * @param history all token ids so far (prompt, then generated), for penalties; null unless sampling needs it
     * @param promptLength how many of the history are prompt
     * @param promptLogprobs greatest number of alternatives wanted for each prompt position, -1 for none
     * @param readyNanos since when this part could have been computed, by the engine's clock: the sequence's last pass
     *     ended, or its request came; only simulated devices look at it
     */
    record Row(
            String sequenceId,
            int[] tokens,
            int start,
            int[] blocks,
            @Nullable SamplingParams sampling,
            int @Nullable [] history,
            int promptLength,
            int promptLogprobs,
            long readyNanos) {
        /** Stands for the token that the pass before samples for this sequence. */
        static final int UNSAMPLED = -1;

        /** A part for devices that compute. */
        Row(
                String sequenceId,
                int[] tokens,
                int start,
                int[] blocks,
                @Nullable SamplingParams sampling,
                int @Nullable [] history,
                int promptLength,
                int promptLogprobs) {
            this(sequenceId, tokens, start, blocks, sampling, history, promptLength, promptLogprobs, 0);
        }
    }

    /** Log-probabilities at one position, best first; {@code chosenRank} counts from 1. */
    record Logprobs(int chosen, double chosenLogprob, int chosenRank, int[] ids, double[] logprobs) {}

    /**
     * @param sampled one token a row, -1 where none was asked for
     * @param logprobs one entry a row, null where not asked for
     * @param promptLogprobs one entry a row: for each computed position the logprobs of the prompt's next token; null
     *     where not asked for
     * @param endNanos when the pass ends by the simulated clock, which may be still to come; {@link Output#NOW} where that is when it is told
     */
    record Output(
            int[] sampled,
            @Nullable Logprobs[] logprobs,
            @Nullable List<Logprobs>[] promptLogprobs,
            long endNanos) {
        static final long NOW = Long.MIN_VALUE;

        Output(int[] sampled, @Nullable Logprobs[] logprobs, @Nullable List<Logprobs>[] promptLogprobs) {
            this(sampled, logprobs, promptLogprobs, NOW);
        }

        Output endingAt(long otherNanos) {
            return new Output(sampled, logprobs, promptLogprobs, otherNanos);
        }
    }

    CompletableFuture<Output> submit(List<Row> rows);

    /** Passes that may be in flight: the pipeline's stages, and one more where it {@link #runsAhead()}. */
    int stages();

    /**
     * True when time passes on a clock of the devices' own, for which the host's work takes none: then no step is made while
     * a request is being read, so that it takes part in every step that it would have.
     */
    default boolean hidesHost() {
        return timeScale() > 1;
    }

    /** Seconds that pass for the devices in one of ours. */
    default double timeScale() {
        return 1;
    }

    /**
     * True when a pass may be submitted before the one before has told its tokens: a row then ends with
     * {@link Row#UNSAMPLED}.
     */
    default boolean runsAhead() {
        return false;
    }

    @Override
    void close();
}
