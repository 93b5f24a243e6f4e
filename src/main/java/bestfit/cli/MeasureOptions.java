package bestfit.cli;

import bestfit.config.Problems;
import bestfit.workload.ExperimentSpec;
import bestfit.workload.PromptSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** compressa-perf's flags of one experiment, shared by measure and stress. */
final class MeasureOptions {
    @Option(
            names = {"--node_url", "--node-url", "--seed_url", "--seed-url"},
            paramLabel = "URL",
            required = true,
            description = "Where the OpenAI API answers, without /v1.")
    private String nodeUrl = "";

    @Option(
            names = {"--model_name", "--model-name"},
            paramLabel = "MODEL",
            required = true,
            description = "Model to ask for.")
    private String model = "";

    @Option(
            names = {"--experiment_name", "--experiment-name"},
            paramLabel = "NAME",
            required = true,
            description = "Name under which it is stored.")
    private String name = "";

    @Option(names = "--description", paramLabel = "TEXT", description = "Stored with it.")
    @Nullable
    private String description;

    @Option(
            names = {"--num_runners", "--num-runners"},
            paramLabel = "N",
            description = "Requests at a time (default: ${DEFAULT-VALUE}).")
    private int numRunners = ExperimentSpec.DEFAULT_RUNNERS;

    @Option(
            names = {"--generate_prompts", "--generate-prompts"},
            description = "Generate random prompts.")
    private boolean generate;

    @Option(
            names = {"--num_prompts", "--num-prompts"},
            paramLabel = "N",
            description = "Prompts to generate (default: ${DEFAULT-VALUE}).")
    private int numPrompts = ExperimentSpec.DEFAULT_PROMPTS;

    @Option(
            names = {"--prompt_length", "--prompt-length"},
            paramLabel = "N",
            description = "Characters of each prompt; 0 takes whole prompts of a file (default: ${DEFAULT-VALUE}).")
    private int promptLength = ExperimentSpec.DEFAULT_PROMPT_LENGTH;

    @Option(
            names = {"--prompts_file", "--prompts-file"},
            paramLabel = "CSV",
            description = "File with one prompt a row, in its first column.")
    @Nullable
    private Path promptsFile;

    @Option(
            names = {"--max_tokens", "--max-tokens"},
            paramLabel = "N",
            description = "Most tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int maxTokens = ExperimentSpec.DEFAULT_MAX_TOKENS;

    @Option(names = "--seed", paramLabel = "N", description = "Of the prompts (default: ${DEFAULT-VALUE}).")
    private long seed = ExperimentSpec.DEFAULT_SEED;

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    boolean json;

    @Mixin
    private SigningOptions signing = new SigningOptions();

    @Mixin
    DatabaseOption database = new DatabaseOption();

    /** The experiment, and where it is sent; to be used if there is no problem. */
    MeasureJob job(Problems problems, int numTasks) {
        signing.check(problems);
        MeasureJob.checkUrl(problems, "--node_url", nodeUrl);
        problems.requireRange("--num_runners", numRunners, 1, ExperimentSpec.MOST_RUNNERS);
        problems.requireRange("--num_prompts", numPrompts, 1, ExperimentSpec.MOST_PROMPTS);
        problems.requireRange("--prompt_length", promptLength, generate ? 1 : 0, ExperimentSpec.MOST_CHARACTERS);
        problems.requireRange("--max_tokens", maxTokens, 1, ExperimentSpec.MOST_TOKENS);
        var spec = new ExperimentSpec(name, description, numTasks, numRunners, prompts(problems), maxTokens, seed);
        return new MeasureJob(spec, nodeUrl, model, signing.accountAddress);
    }

    private PromptSpec prompts(Problems problems) {
        if (generate || promptsFile == null) {
            if (!generate) {
                problems.add("Neither --generate_prompts nor --prompts_file is given; one of them is needed.");
            }
            return new PromptSpec.Generated(numPrompts, promptLength);
        }
        if (!Files.isRegularFile(promptsFile)) {
            problems.add("--prompts_file: \"" + promptsFile
                    + "\" does not exist; it takes a CSV file with one prompt a row.");
        }
        return new PromptSpec.FromFile(promptsFile, promptLength);
    }
}
