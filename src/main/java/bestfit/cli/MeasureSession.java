package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.load.ClosedLoop;
import bestfit.load.StopSignal;
import bestfit.report.CompressaTables;
import bestfit.store.Database;
import bestfit.store.ExperimentStore;
import java.util.ArrayList;
import java.util.List;

/** Opens what measuring needs, measures the jobs, prints, and on Ctrl-C keeps what was measured. */
final class MeasureSession {
    private final DatabaseOption option;
    private final boolean json;

    MeasureSession(DatabaseOption option, boolean json) {
        this.option = option;
        this.json = json;
    }

    /** Measures in turn and gives the exit code; {@code many} prints them as a list too. */
    int run(List<MeasureJob> jobs, boolean many) throws InterruptedException {
        try (var database = option.open();
                var loop = ClosedLoop.open();
                var stop = BenchStop.listen(
                        "the metrics could not be written in time; report ID --recompute makes them.")) {
            return measure(jobs, many, database, loop, stop.next());
        }
    }

    private int measure(List<MeasureJob> jobs, boolean many, Database database, ClosedLoop loop, StopSignal stop)
            throws InterruptedException {
        var store = new ExperimentStore(database);
        var run = new MeasureRun(store, loop, stop);
        var outcomes = new ArrayList<MeasureOutcome>();
        boolean allWell = true;
        for (var job : jobs) {
            if (stop.isStopped()) {
                break;
            }
            try {
                var outcome = run.measure(job);
                outcomes.add(outcome);
                allWell &= outcome.anySuccess();
                if (!json) {
                    System.out.println(run.report(outcome));
                }
                if (!outcome.anySuccess()) {
                    System.err.println("bestfit: no request of experiment \""
                            + job.spec().name() + "\" succeeded: "
                            + why(outcome));
                }
            } catch (ConfigException failure) {
                allWell = false;
                failure.problems()
                        .forEach(problem -> System.err.println(
                                "bestfit: experiment \"" + job.spec().name() + "\" was not measured: " + problem));
            }
        }
        print(many, store, outcomes);
        return stop.isStopped() ? ExitCode.STOPPED : allWell ? ExitCode.OK : ExitCode.FAILED;
    }

    private static String why(MeasureOutcome outcome) {
        return outcome.failures().isEmpty()
                ? "stopped before the server had answered any"
                : String.join("; ", outcome.failures().stream().limit(3).toList());
    }

    private void print(boolean many, ExperimentStore store, List<MeasureOutcome> outcomes) {
        if (!json) {
            if (many) {
                System.out.println(CompressaTables.list(
                        store.all(), false, false, TerminalStreams.columns(TerminalStreams.OUTPUT, System.getenv())));
            }
        } else if (many) {
            var all = Json.object();
            var list = all.putArray("experiments");
            outcomes.forEach(outcome -> list.add(outcome.json()));
            System.out.println(Json.write(all));
        } else if (!outcomes.isEmpty()) {
            System.out.println(Json.write(outcomes.getFirst().json()));
        }
    }
}
