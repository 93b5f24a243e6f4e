package bestfit.metrics;

import java.util.List;
import java.util.regex.Pattern;

/** By what an engine is told from another behind the same port. Pure. */
public final class EngineBirth {
    private static final Pattern BORN =
            Pattern.compile("(?m)^(?:process_start_time_seconds|vllm:prompt_tokens_created(?:\\{[^}]*})?) (\\S+)$");

    private EngineBirth() {}

    /**
     * When the process that wrote a page of metrics and its counters began, by its own word: engines that a node starts in the
     * same hundredth of a second, the tick of the first, still make their counters at different times. Empty where it does not tell.
     */
    public static List<String> of(String page) {
        return BORN.matcher(page).results().map(found -> found.group(1)).toList();
    }
}
