package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.report.CompressaTables;
import bestfit.store.ExperimentStore;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit report}: compressa-perf's command of that name, for its databases too. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        description = "Prints one experiment: its details, parameters and metrics.")
public final class ReportCommand implements Callable<Integer> {
    @Parameters(paramLabel = "EXPERIMENT_ID", description = "As list shows it.")
    private long id;

    @Mixin
    private DatabaseOption database = new DatabaseOption();

    @Option(names = "--recompute", description = "Compute the metrics again from what was measured.")
    private boolean recompute;

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    private boolean json;

    @Override
    public Integer call() {
        try (var open = database.openToRead()) {
            var experiment = StoredExperiments.find(new ExperimentStore(open), database, id, recompute)
                    .orElseThrow(() -> new ConfigException(
                            "Experiment " + id + " is not in " + open.file() + "; bestfit list shows those that are."));
            System.out.println(
                    json ? Json.write(StoredExperiments.json(experiment)) : CompressaTables.report(experiment));
        }
        return ExitCode.OK;
    }
}
