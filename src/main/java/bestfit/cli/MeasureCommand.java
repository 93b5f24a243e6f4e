package bestfit.cli;

import bestfit.config.Problems;
import bestfit.workload.ExperimentSpec;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit measure}: compressa-perf's command of that name. */
@Command(
        name = "measure",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer =
                "  bestfit measure --no-sign --node_url http://127.0.0.1:5000 --model_name tiny --experiment_name short --generate_prompts --num_prompts 20 --num_tasks 20 --num_runners 4 --max_tokens 75",
        description = "Measures one experiment against a running node or engine, as compressa-perf does.")
public final class MeasureCommand implements Callable<Integer> {
    @Option(
            names = {"--num_tasks", "--num-tasks"},
            paramLabel = "N",
            description = "Requests (default: ${DEFAULT-VALUE}).")
    private int numTasks = ExperimentSpec.DEFAULT_TASKS;

    @Mixin
    private MeasureOptions options = new MeasureOptions();

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        problems.requireRange("--num_tasks", numTasks, 1, ExperimentSpec.MOST_TASKS);
        var job = options.job(problems, numTasks);
        problems.throwIfAny();
        return new MeasureSession(options.database, options.json).run(List.of(job), false);
    }
}
