package bestfit.openai;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The fields that chat and text completions share; names as vLLM's API has them; {@link SamplingRules} says what they may
 * be.
 *
 * @param maxTokens null: the endpoint's default
 * @param temperature 0 is greedy
 * @param topK 0 is off
 * @param seed null: not asked for
 * @param logprobs alternatives to report a token, -1 for the whole vocabulary, null for none at all
 * @param promptLogprobs the same for the prompt's tokens
 * @param beamLengthPenalty how a beam search weighs lengths, its width being {@code n}; null: no beam search
 * @param repetition ends an answer that goes round in circles; null: nothing does
 * @param truncation of the prompt; null for all of it
 * @param stream how to stream; null for one whole answer
 */
public record GenerationOptions(
        @Nullable OutputLimit maxTokens,
        int minTokens,
        double temperature,
        double topP,
        int topK,
        double minP,
        double presencePenalty,
        double frequencyPenalty,
        double repetitionPenalty,
        int n,
        @Nullable Long seed,
        List<String> stop,
        List<Integer> stopTokenIds,
        boolean includeStopText,
        boolean ignoreEos,
        @Nullable Integer logprobs,
        @Nullable Integer promptLogprobs,
        Steering steering,
        boolean skipSpecialTokens,
        boolean returnTokenIds,
        int priority,
        @Nullable Double beamLengthPenalty,
        @Nullable Repetition repetition,
        @Nullable Truncation truncation,
        @Nullable Stream stream) {

    /**
     * What a stream carries beside text, and how finely it is cut.
     *
     * @param interval tokens that a choice gathers before its next event, first and last ones excepted; the engine's own
     *     interval counts where it is greater
     */
    public record Stream(boolean includeUsage, boolean continuousUsage, int interval) {}

    /**
     * Which of the prompt's tokens count.
     *
     * @param tokens how many, -1 for as many as the context has
     * @param keepsFirst the first ones instead of the last
     */
    public record Truncation(long tokens, boolean keepsFirst) {}

    /**
     * When an answer repeats itself: its last tokens are a pattern, as often in a row as this.
     *
     * @param longest pattern, in tokens; 0 for none at all
     * @param shortest at least 1
     * @param count times in a row, at least 2
     */
    public record Repetition(int longest, int shortest, int count) {}

    /** The most tokens to generate, and which of its two fields said so. */
    public record OutputLimit(String field, long tokens) {}

    /**
     * Which tokens can come.
     *
     * @param logitBias added to logits by token id
     * @param allowedTokenIds null for all
     * @param badWords texts that the answer must not hold
     * @param constraint the form that the answer has; null for any
     * @param limitsThinking thinking is to end after some tokens
     */
    public record Steering(
            Map<Integer, Double> logitBias,
            @Nullable List<Integer> allowedTokenIds,
            List<String> badWords,
            @Nullable Constraint constraint,
            boolean limitsThinking) {}
}
