package bestfit.cli;

import bestfit.config.ConfigReader;
import bestfit.config.Problems;
import bestfit.workload.ExperimentSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit measure-from-yaml}: compressa-perf's command of that name. */
@Command(
        name = "measure-from-yaml",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = "  bestfit measure-from-yaml --no-sign --node_url http://127.0.0.1:5000 --model_name tiny config.yml",
        description =
                "Measures the experiments of a YAML file one after another, as compressa-perf does. What the command line"
                        + " gives wins over the file; an experiment that fails does not stop the others.")
public final class MeasureFromYamlCommand implements Callable<Integer> {
    @Parameters(paramLabel = "YAML", description = "File with one experiment or a list of them.")
    private Path file = Path.of("");

    @Option(
            names = {"--node_url", "--node-url", "--seed_url", "--seed-url"},
            paramLabel = "URL",
            description = "Where the OpenAI API answers, without /v1.")
    @Nullable
    private String nodeUrl;

    @Option(
            names = {"--model_name", "--model-name"},
            paramLabel = "MODEL",
            description = "Model to ask for.")
    @Nullable
    private String model;

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    private boolean json;

    @Mixin
    private SigningOptions signing = new SigningOptions();

    @Mixin
    private DatabaseOption database = new DatabaseOption();

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        signing.check(problems);
        var jobs = new ArrayList<MeasureJob>();
        for (var entry : ConfigReader.ofFile(file, problems)) {
            jobs.add(job(entry, problems));
        }
        problems.throwIfAny();
        return new MeasureSession(database, json).run(jobs, true);
    }

    private MeasureJob job(ConfigReader entry, Problems problems) {
        var spec = ExperimentSpec.read(entry);
        var url = either(nodeUrl, entry, "node_url", "--node_url");
        if (!url.isEmpty()) {
            MeasureJob.checkUrl(problems, nodeUrl == null ? entry.where() + ": node_url" : "--node_url", url);
        }
        var job = new MeasureJob(
                spec,
                url,
                either(model, entry, "model_name", "--model_name"),
                signing.accountAddress == null ? entry.string("account_address") : signing.accountAddress);
        entry.string("account_address");
        entry.refuseUnknownKeys();
        return job;
    }

    private static String either(@Nullable String given, ConfigReader entry, String key, String flag) {
        var inFile = entry.string(key);
        if (given != null) {
            return given;
        }
        if (inFile == null || inFile.isEmpty()) {
            entry.problem(key, "is missing; give it here or as " + flag + ".");
            return "";
        }
        return inFile;
    }
}
