package bestfit.tune;

import bestfit.workload.PromptSource;
import bestfit.workload.UniquePrompts;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * The prompts of a campaign, made before a block begins: making one takes CPU that a measured engine may need. Not
 * thread-safe; what it returns is.
 */
final class Prompts {
    /** Requests that do not count are numbered from here, so that they share no prompt with a block. */
    private static final int UNCOUNTED = 1_000_000_000;

    /** More than a run that does not count has requests: one a user. */
    private static final int RUN = 10_000;

    private record Key(String experiment, int first, int count) {}

    private final long seed;
    private final ToIntFunction<String> countTokens;
    private final Map<Key, List<String>> made = new HashMap<>();

    Prompts(long seed, ToIntFunction<String> countTokens) {
        this.seed = seed;
        this.countTokens = countTokens;
    }

    /** Number of a block's first request. */
    static int firstIndex(ExperimentPlan experiment, int block) {
        return block * experiment.requests();
    }

    /** Number of the first of a run's requests that do not count. */
    static int firstUncounted(int run) {
        return UNCOUNTED + run * RUN;
    }

    /** Prompts for the requests {@code first … first + count - 1}. */
    PromptSource of(ExperimentPlan experiment, int first, int count) {
        var texts = made.computeIfAbsent(new Key(experiment.name(), first, count), _ -> {
            var source =
                    UniquePrompts.ofTokens(experiment.promptTokens(), seed + experiment.promptTokens(), countTokens);
            return IntStream.range(first, first + count)
                    .mapToObj(source::prompt)
                    .toList();
        });
        return index -> texts.get(index - first);
    }
}
