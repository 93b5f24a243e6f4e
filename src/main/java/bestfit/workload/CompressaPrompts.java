package bestfit.workload;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Prompts as compressa-perf generates and chooses them: a list of {@code count} texts "i date words…" of exactly the
 * asked number of characters, from which each request draws one at random. The date is the local time of generation.
 */
public final class CompressaPrompts implements PromptSource {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    private final List<String> prompts;
    private final long seed;

    private CompressaPrompts(List<String> prompts, long seed) {
        this.prompts = prompts;
        this.seed = seed;
    }

    /** @param characters length of each prompt, cut exactly */
    public static CompressaPrompts generate(int count, int characters, long seed, LocalDateTime now) {
        var random = new SplittableRandom(seed);
        return new CompressaPrompts(
                IntStream.range(0, count)
                        .mapToObj(i -> {
                            var text = new StringBuilder().append(i).append(' ').append(DATE.format(now));
                            RandomWords.fill(text, characters, random);
                            text.setLength(characters);
                            return text.toString();
                        })
                        .toList(),
                seed);
    }

    /** Draws from given texts by the same rule. */
    public static CompressaPrompts choosing(List<String> prompts, long seed) {
        if (prompts.isEmpty()) {
            throw new IllegalArgumentException("There is no prompt to choose from.");
        }
        return new CompressaPrompts(List.copyOf(prompts), seed);
    }

    /** All of them, in the order generated. */
    public List<String> prompts() {
        return prompts;
    }

    @Override
    public String prompt(int index) {
        return prompts.get(RandomWords.forIndex(seed, index).nextInt(prompts.size()));
    }
}
