package bestfit.workload;

import java.util.function.ToIntFunction;

/**
 * A different prompt for every request, random from its first letter, so that no prefix cache of an engine can help.
 * The same seed gives the same prompts in every deployment.
 */
public final class UniquePrompts implements PromptSource {
    private static final int MOST_CHARACTERS_PER_TOKEN = 8;

    private final PromptSource source;

    private UniquePrompts(PromptSource source) {
        this.source = source;
    }

    /** Prompts of exactly so many characters. */
    public static UniquePrompts ofCharacters(int characters, long seed) {
        return new UniquePrompts(index -> text(characters, seed, index));
    }

    /**
     * Prompts of as many tokens as fit into the asked number: the longest beginning of the random text that has no more.
     *
     * @param countTokens the model's tokenizer; thread-safe
     */
    public static UniquePrompts ofTokens(int tokens, long seed, ToIntFunction<String> countTokens) {
        return new UniquePrompts(index -> {
            var text = text(tokens * MOST_CHARACTERS_PER_TOKEN, seed, index);
            int fits = 0;
            int tooLong = text.length() + 1;
            while (fits + 1 < tooLong) {
                int middle = (fits + tooLong) >>> 1;
                if (countTokens.applyAsInt(text.substring(0, middle)) <= tokens) {
                    fits = middle;
                } else {
                    tooLong = middle;
                }
            }
            return text.substring(0, fits);
        });
    }

    @Override
    public String prompt(int index) {
        return source.prompt(index);
    }

    private static String text(int characters, long seed, int index) {
        var text = new StringBuilder(characters + 21);
        RandomWords.fill(text, characters, RandomWords.forIndex(seed, index));
        text.setLength(characters);
        return text.toString();
    }
}
