package bestfit.openai;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The fields that chat and text completions share; names and ranges as vLLM's API has them, already checked.
 *
 * @param maxTokens empty: the endpoint's default
 * @param temperature 0 is greedy
 * @param topK 0 is off
 * @param seed null: not asked for
 * @param logprobs alternatives to report a token, -1 for none at all
 * @param promptLogprobs the same for the prompt's tokens
 * @param stream how to stream; null for one whole answer
 */
public record GenerationOptions(
        OptionalInt maxTokens,
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
        int logprobs,
        int promptLogprobs,
        Map<Integer, Double> logitBias,
        boolean skipSpecialTokens,
        boolean returnTokenIds,
        int priority,
        @Nullable Stream stream) {

    /** What a stream carries beside text. */
    public record Stream(boolean includeUsage, boolean continuousUsage) {}
}
