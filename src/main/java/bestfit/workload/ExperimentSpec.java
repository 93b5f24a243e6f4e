package bestfit.workload;

import bestfit.config.ConfigReader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One experiment: what is sent, in compressa-perf's terms.
 *
 * @param numTasks how many requests
 * @param numRunners how many at a time
 * @param maxTokens upper limit of each answer
 * @param seed of prompts and of their order
 */
public record ExperimentSpec(
        String name,
        @Nullable String description,
        int numTasks,
        int numRunners,
        PromptSpec prompts,
        int maxTokens,
        long seed) {
    public static final int DEFAULT_TASKS = 100;
    public static final int DEFAULT_RUNNERS = 10;
    public static final int DEFAULT_PROMPTS = 100;
    public static final int DEFAULT_PROMPT_LENGTH = 100;
    public static final int DEFAULT_MAX_TOKENS = 1000;
    public static final long DEFAULT_SEED = 42;

    public static final int MOST_TASKS = 10_000_000;
    public static final int MOST_RUNNERS = 20_000;
    public static final int MOST_PROMPTS = 1_000_000;
    public static final int MOST_CHARACTERS = 10_000_000;
    public static final int MOST_TOKENS = 10_000_000;

    /** Reads compressa-perf's keys of one experiment; the keys for where to send it are the caller's. */
    public static ExperimentSpec read(ConfigReader in) {
        return new ExperimentSpec(
                in.requiredString("experiment_name"),
                in.string("description"),
                in.requiredInt("num_tasks", 1, MOST_TASKS),
                in.requiredInt("num_runners", 1, MOST_RUNNERS),
                prompts(in),
                in.intKey("max_tokens", DEFAULT_MAX_TOKENS, 1, MOST_TOKENS),
                in.longKey("seed", DEFAULT_SEED));
    }

    private static PromptSpec prompts(ConfigReader in) {
        boolean generate = in.boolKey("generate_prompts", false);
        var file = in.string("prompts_file");
        int count = in.intKey("num_prompts", DEFAULT_PROMPTS, 1, MOST_PROMPTS);
        if (generate || file == null || file.isEmpty()) {
            if (!generate) {
                in.problem("generate_prompts", "is not true and prompts_file is missing; one of them is needed.");
            }
            return new PromptSpec.Generated(
                    count, in.intKey("prompt_length", DEFAULT_PROMPT_LENGTH, 1, MOST_CHARACTERS));
        }
        var path = Path.of(file);
        if (!Files.isRegularFile(path)) {
            in.problem("prompts_file", "\"" + file + "\" does not exist; it takes a CSV file with one prompt a row.");
        }
        return new PromptSpec.FromFile(path, in.intKey("prompt_length", 0, 0, MOST_CHARACTERS));
    }
}
