package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.report.CompressaTables;
import bestfit.store.Experiment;
import bestfit.store.ExperimentStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit list}: compressa-perf's command of that name, for its databases too. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = {"  bestfit list --show-metrics --show-parameters", "  bestfit list --name-filter short --json"},
        description = "Lists the experiments of a database, the newest first.")
public final class ListCommand implements Callable<Integer> {
    @Mixin
    private DatabaseOption database = new DatabaseOption();

    @Option(
            names = {"--show-parameters", "--show_parameters"},
            description = "With their parameters.")
    private boolean showParameters;

    @Option(
            names = {"--show-metrics", "--show_metrics"},
            description = "With their metrics.")
    private boolean showMetrics;

    @Option(
            names = {"--name-filter", "--name_filter"},
            paramLabel = "TEXT",
            description = "Only those whose name contains it.")
    @Nullable
    private String nameFilter;

    @Option(
            names = {"--param-filter", "--param_filter"},
            paramLabel = "KEY=TEXT",
            description =
                    "Only those with a parameter of this key whose value contains the text; repeatable, all must hold.")
    private List<String> paramFilters = new ArrayList<>();

    @Option(names = "--recompute", description = "Compute the metrics again from what was measured.")
    private boolean recompute;

    @Option(
            names = {"--csv-file", "--csv_file"},
            paramLabel = "FILE",
            description = "Write them there as CSV too.")
    @Nullable
    private Path csvFile;

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Override
    public Integer call() {
        var badFilters = paramFilters.stream().filter(f -> !f.contains("=")).toList();
        if (!badFilters.isEmpty()) {
            throw new ConfigException(badFilters.stream()
                    .map(filter -> "--param-filter: \"" + filter + "\" is not allowed; it takes KEY=TEXT.")
                    .toList());
        }
        try (var open = database.openToRead()) {
            var found = StoredExperiments.all(new ExperimentStore(open), database, recompute).stream()
                    .filter(this::isWanted)
                    .toList();
            print(found);
        }
        return ExitCode.OK;
    }

    private void print(List<Experiment> found) {
        if (json) {
            var all = Json.object();
            var list = all.putArray("experiments");
            found.forEach(experiment -> list.add(StoredExperiments.json(experiment)));
            System.out.println(Json.write(all));
        } else {
            System.out.println(
                    found.isEmpty()
                            ? "No experiments found in the database."
                            : CompressaTables.list(
                                    found,
                                    showParameters,
                                    showMetrics,
                                    TerminalStreams.columns(TerminalStreams.OUTPUT, System.getenv())));
        }
        if (csvFile != null) {
            try {
                Files.writeString(csvFile, CompressaTables.csv(found));
            } catch (IOException e) {
                throw new ConfigException("--csv-file: " + csvFile + " cannot be written (" + e.getMessage() + ").");
            }
        }
    }

    private boolean isWanted(Experiment experiment) {
        return (nameFilter == null || experiment.name().contains(nameFilter))
                && paramFilters.stream().allMatch(filter -> hasParameter(experiment, filter));
    }

    private static boolean hasParameter(Experiment experiment, String filter) {
        int equals = filter.indexOf('=');
        var key = filter.substring(0, equals);
        var part = filter.substring(equals + 1);
        return experiment.parameters().stream()
                .anyMatch(p -> p.key().equals(key)
                        && (p.value().contains(part)
                                || CompressaTables.formatValue(p.value(), 4).contains(part)));
    }
}
