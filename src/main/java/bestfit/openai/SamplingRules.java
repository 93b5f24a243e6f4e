package bestfit.openai;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What vLLM's sampling parameters may be, in the order in which it checks them and in its words. */
public final class SamplingRules {
    /** vLLM's {@code VLLM_MAX_N_SEQUENCES}. */
    private static final int MOST_CHOICES = 16_384;

    private static final double SMALLEST_TEMPERATURE = 1e-5;

    private SamplingRules() {}

    /**
     * Refuses what fits no model.
     *
     * @param maxTokens that the answer may have, after all limits
     * @throws ApiException 400 for the first that does not fit
     */
    public static void check(GenerationOptions options, long maxTokens) {
        int n = options.n();
        choices("n", n);
        checkNumbers(options);
        if (maxTokens < 1) {
            throw bad("max_tokens must be at least 1, got " + maxTokens + ".", "max_tokens", maxTokens);
        }
        int minTokens = options.minTokens();
        require(minTokens >= 0, "min_tokens must be greater than or equal to 0, got " + minTokens + ".");
        require(
                minTokens <= maxTokens,
                "min_tokens must be less than or equal to max_tokens=" + maxTokens + ", got " + minTokens + ".");
        require(!options.stop().contains(""), "stop cannot contain an empty string.");
        var badWords = options.steering().badWords();
        require(
                !badWords.contains(""),
                "bad_words cannot contain an empty string. Got bad_words="
                        + badWords.stream().map(PythonText::quoted).toList());
        require(
                n == 1 || options.temperature() >= SMALLEST_TEMPERATURE,
                "n must be 1 when using greedy sampling, got " + n + ".");
    }

    /**
     * Refuses what does not fit this model, which vLLM sees when it hands a request to its engine.
     *
     * @param vocabulary ids run from 0 to one less
     * @param maxLogprobs the engine's {@code --max-logprobs}; -1 for no limit
     * @throws ApiException 400 for the first that does not fit
     */
    public static void checkAdmission(GenerationOptions options, int vocabulary, int maxLogprobs) {
        checkLogprobs("sample", "logprobs", options.logprobs(), vocabulary, maxLogprobs);
        checkLogprobs("prompt", "prompt_logprobs", options.promptLogprobs(), vocabulary, maxLogprobs);
        checkIds(options, vocabulary);
    }

    /**
     * Refuses what cannot be a search for repetition.
     *
     * @throws ApiException 400
     */
    static void checkRepetition(int longest, int shortest, int count) {
        require(
                longest >= 0 && shortest >= 0 && shortest <= longest,
                "max_pattern_size, min_pattern_size must be >=0, with min_pattern_size <= max_pattern_size. Set both to"
                        + " 0 to disable repetitive pattern detection.");
        require(
                longest == 0 || count >= 2,
                "min_count must be >= 2 to detect repetitive patterns in engine output. If you do not wish to detect"
                        + " repetitive patterns, set max_pattern_size to 0.");
    }

    /**
     * Refuses a beam search that is none.
     *
     * @param width beams that go on
     * @throws ApiException 400
     */
    public static void checkBeamWidth(int width) {
        choices("beam_width", width);
    }

    /**
     * Refuses what vLLM finds wrong once it searches: it looks at twice as many tokens a step as beams go on.
     *
     * @throws ApiException 400
     */
    public static void checkBeamSteps(GenerationOptions options, int vocabulary, int maxLogprobs) {
        checkTemperature(options.temperature());
        checkLogprobs("sample", "logprobs", 2 * options.n(), vocabulary, maxLogprobs);
    }

    private static void choices(String name, int n) {
        require(n >= 1, name + " must be at least 1, got " + n + ".");
        require(
                n <= MOST_CHOICES,
                name + " must be at most " + MOST_CHOICES + ", got " + n
                        + ". To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.");
    }

    private static void checkNumbers(GenerationOptions options) {
        range("presence_penalty", options.presencePenalty(), -2, 2, "[-2, 2]", false);
        range("frequency_penalty", options.frequencyPenalty(), -2, 2, "[-2, 2]", false);
        double repetition = options.repetitionPenalty();
        require(
                Double.isFinite(repetition),
                "repetition_penalty must be a finite number, got " + PythonText.number(repetition) + ".");
        require(
                repetition > 0,
                "repetition_penalty must be greater than zero, got " + PythonText.number(repetition) + ".");
        checkTemperature(options.temperature());
        range("top_p", options.topP(), Double.MIN_VALUE, 1, "(0, 1]", true);
        require(options.topK() >= -1, "top_k must be 0 (disable), or at least 1, got " + options.topK() + ".");
        range("min_p", options.minP(), 0, 1, "[0, 1]", false);
    }

    private static void checkTemperature(double temperature) {
        var got = ", got " + PythonText.number(temperature) + ".";
        if (!Double.isFinite(temperature)) {
            throw bad("temperature must be a finite number" + got, "temperature", PythonText.number(temperature));
        }
        if (temperature < 0) {
            throw bad("temperature must be non-negative" + got, "temperature", PythonText.number(temperature));
        }
        range("temperature", temperature, 0, 2, "[0, 2]", true);
    }

    private static void range(String field, double value, double least, double most, String words, boolean named) {
        if (value >= least && value <= most) {
            return;
        }
        var message = field + " must be in " + words + ", got " + PythonText.number(value) + ".";
        throw named
                ? bad(message, field, PythonText.number(value))
                : new ApiException(ApiError.badRequest(message, null));
    }

    /** -1 asks for the whole vocabulary. */
    private static void checkLogprobs(String what, String field, @Nullable Integer asked, int vocabulary, int max) {
        int number = asked == null ? 0 : asked == -1 ? vocabulary : asked;
        if (max >= 0 && number > max) {
            throw bad(
                    "Requested " + what + " logprobs of " + number + ", which is greater than max allowed: " + max,
                    field,
                    number);
        }
    }

    private static void checkIds(GenerationOptions options, int vocabulary) {
        inVocabulary("logit_bias", options.steering().logitBias().keySet(), vocabulary);
        inVocabulary("stop_token_ids", options.stopTokenIds(), vocabulary);
        var allowed = options.steering().allowedTokenIds();
        if (allowed != null && allowed.isEmpty()) {
            throw bad("allowed_token_ids is not None and empty!", "allowed_token_ids", allowed);
        }
        if (allowed != null && !outside(allowed, vocabulary).isEmpty()) {
            throw bad("allowed_token_ids contains out-of-vocab token id!", "allowed_token_ids", allowed);
        }
    }

    private static void inVocabulary(String field, Collection<Integer> ids, int vocabulary) {
        var outside = outside(ids, vocabulary);
        if (!outside.isEmpty()) {
            throw bad(
                    "token_id(s) " + outside + " in " + field + " contain out-of-vocab token ids. Vocabulary size: "
                            + vocabulary,
                    field,
                    outside);
        }
    }

    private static List<Integer> outside(Collection<Integer> ids, int vocabulary) {
        return ids.stream().filter(id -> id < 0 || id >= vocabulary).toList();
    }

    private static void require(boolean allowed, String message) {
        if (!allowed) {
            throw new ApiException(ApiError.badRequest(message, null));
        }
    }

    private static ApiException bad(String message, String field, Object value) {
        return new ApiException(ApiError.badValue(message, field, value));
    }
}
