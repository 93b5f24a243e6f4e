package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.load.EventLog;
import bestfit.load.LoadTarget;
import bestfit.metrics.Definition;
import bestfit.metrics.Measurement;
import bestfit.report.CompressaTables;
import bestfit.report.DefinitionTable;
import bestfit.store.ExperimentStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit report}: compressa-perf's command of that name, for its databases too. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = {"  bestfit report 1", "  bestfit report 1 --definitions vllm --csv requests.csv"},
        description =
                "Prints one experiment, or a run of bench: metrics by any tool's definitions; writes it in other tools' formats.")
public final class ReportCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "EXPERIMENT_ID|EVENTS",
            description = "Number as list shows it, or an events file of bench --events.")
    private String which = "";

    @Mixin
    private ExportOptions exports = new ExportOptions();

    @Mixin
    private DatabaseOption database = new DatabaseOption();

    @Option(names = "--recompute", description = "Compute the metrics again from what was measured.")
    private boolean recompute;

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    private boolean json;

    @Override
    public Integer call() {
        var problems = new Problems();
        exports.check(problems);
        boolean number = which.matches("\\d{1,18}");
        if (!number && !Files.isRegularFile(Path.of(which))) {
            problems.add("\"" + which + "\" is not allowed; it takes the number of an experiment, or an events file.");
        }
        problems.throwIfAny();
        if (!number) {
            var events = EventLog.read(Path.of(which));
            exports.write(events.run(), events.measurements(), Optional.empty());
            print(DefinitionTable.of(Definition.COMPRESSA, events.measurements()), events.measurements());
            return ExitCode.OK;
        }
        experiment(Long.parseLong(which));
        return ExitCode.OK;
    }

    private void experiment(long id) {
        try (var open = database.openToRead()) {
            var store = new ExperimentStore(open);
            var experiment = StoredExperiments.find(store, database, id, recompute)
                    .orElseThrow(() -> new ConfigException(
                            "Experiment " + id + " is not in " + open.file() + "; bestfit list shows those that are."));
            if (!exports.any()) {
                System.out.println(
                        json ? Json.write(StoredExperiments.json(experiment)) : CompressaTables.report(experiment));
                return;
            }
            var measured = measured(store, id);
            var run = Json.object();
            experiment.parameters().forEach(p -> run.put(runKey(p.key()), p.value()));
            exports.write(run.put("endpoint", LoadTarget.CHAT), measured, Optional.empty());
            print(DefinitionTable.of(Definition.COMPRESSA, measured), measured);
        }
    }

    /** Raw timings of ours; of compressa-perf's experiments what it recorded, without the events. */
    private static List<Measurement> measured(ExperimentStore store, long id) {
        var raw = store.measurements(id).stream().filter(m -> m.block() >= 0).toList();
        return raw.isEmpty() ? store.timings(id).stream().map(Measurement::of).toList() : raw;
    }

    private static String runKey(String parameter) {
        return switch (parameter) {
            case "model_name" -> "model";
            case "num_workers" -> "concurrency";
            case "node_url" -> "url";
            default -> parameter;
        };
    }

    private void print(DefinitionTable compressas, List<Measurement> measurements) {
        var asked = exports.defined(measurements);
        var table = asked == null ? compressas : asked;
        System.out.println(json ? Json.write(table.json()) : table.text());
    }
}
