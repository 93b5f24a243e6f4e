package bestfit.engine;

import bestfit.openai.GenerationOptions;
import java.util.BitSet;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the next token is chosen; names and ranges as vLLM's SamplingParams.
 *
 * @param temperature 0 is greedy
 * @param topP 1 is off
 * @param topK 0 or -1 is off
 * @param minP 0 is off
 * @param seed null: the engine's own stream of random numbers
 * @param logprobs alternatives to report, -1 for none
 * @param logitBias added to logits by token id
 * @param enforced the token to give whatever the logits say, -1 for none
 * @param processedLogprobs report log-probabilities after bias, penalties, temperature and cuts
 * @param mask which tokens can come now
 */
record SamplingParams(
        double temperature,
        double topP,
        int topK,
        double minP,
        double presencePenalty,
        double frequencyPenalty,
        double repetitionPenalty,
        @Nullable Long seed,
        int logprobs,
        Map<Integer, Double> logitBias,
        TokenMask mask,
        int enforced,
        boolean processedLogprobs) {

    private static final double LEAST_TEMPERATURE = 0.01;

    public static final SamplingParams GREEDY =
            new SamplingParams(0, 1, 0, 0, 0, 0, 1, null, -1, Map.of(), TokenMask.NONE, -1, false);

    /** vLLM takes one that is no clear zero for no less than this. */
    private static double temperature(double asked) {
        return asked > 0 ? Math.max(asked, LEAST_TEMPERATURE) : asked;
    }

    /** @param choice of the n of one prompt, each of which has a seed of its own */
    static SamplingParams of(GenerationOptions options, int choice, boolean processed, TokenMask mask) {
        return new SamplingParams(
                temperature(options.temperature()),
                options.topP(),
                Math.max(0, options.topK()),
                options.minP(),
                options.presencePenalty(),
                options.frequencyPenalty(),
                options.repetitionPenalty(),
                seed(options.seed(), choice),
                options.logprobs() == null ? -1 : options.logprobs(),
                options.steering().logitBias(),
                mask,
                -1,
                processed);
    }

    /** For the steps of a beam search. One that is drawn by chance is considered beside the likely ones. */
    static SamplingParams ofBeams(GenerationOptions options, boolean processed) {
        return new SamplingParams(
                temperature(options.temperature()),
                1,
                0,
                0,
                0,
                0,
                1,
                null,
                2 * options.n(),
                Map.of(),
                TokenMask.NONE,
                -1,
                processed);
    }

    private static @Nullable Long seed(@Nullable Long seed, int choice) {
        return seed == null ? null : seed + choice;
    }

    SamplingParams enforcing(int token) {
        return with(mask, token);
    }

    /** Only these tokens fit the answer's form now. */
    SamplingParams fitting(BitSet tokens) {
        return with(mask.fitting(tokens), enforced);
    }

    private SamplingParams with(TokenMask otherMask, int token) {
        return new SamplingParams(
                temperature,
                topP,
                topK,
                minP,
                presencePenalty,
                frequencyPenalty,
                repetitionPenalty,
                seed,
                logprobs,
                logitBias,
                otherMask,
                token,
                processedLogprobs);
    }

    /** True when the sequence's tokens so far decide about the next: needs its history. */
    public boolean needsHistory() {
        return penalises() || mask.needsHistory();
    }

    /** True when tokens that were seen before count less (or more): needs the sequence's history. */
    public boolean penalises() {
        return presencePenalty != 0 || frequencyPenalty != 0 || repetitionPenalty != 1;
    }
}
