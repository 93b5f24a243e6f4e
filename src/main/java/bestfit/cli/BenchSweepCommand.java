package bestfit.cli;

import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.load.LoadGenerator;
import bestfit.load.StopSignal;
import bestfit.report.BenchReport;
import bestfit.report.BenchTable;
import bestfit.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit bench sweep}: the same workload at several rates or numbers of users. */
@Command(
        name = "sweep",
        mixinStandardHelpOptions = true,
        description = "Measures the same workload at several rates or numbers of users, one after another.")
public final class BenchSweepCommand implements Callable<Integer> {
    @Mixin
    private final BenchOptions options = new BenchOptions();

    @Option(names = "--rates", split = ",", paramLabel = "R", description = "Open loop at each of these rates.")
    private List<Double> rates = List.of();

    @Option(names = "--users", split = ",", paramLabel = "N", description = "Closed loop with each of these numbers.")
    private List<Integer> users = List.of();

    @Mixin
    private final EventsOptions events = new EventsOptions();

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        if (rates.isEmpty() == users.isEmpty()) {
            problems.add("Give one of --rates and --users.");
        }
        rates.stream()
                .filter(rate -> !(rate > 0 && rate <= 1e6))
                .forEach(rate -> problems.add("--rates: " + rate + " is not allowed; it takes above 0 to 1000000."));
        users.forEach(count -> problems.requireRange("--users", count, 1, 20_000));
        var spec = options.spec(problems, rates.isEmpty() ? "load.users" : "load.rate");
        events.check(problems);
        BenchSetup.of(spec, problems);
        var reports = new ArrayList<BenchReport>();
        try (var generator = LoadGenerator.open();
                var stop = BenchStop.listen()) {
            for (int level = 0; level < rates.size() + users.size() && !stop.isStopped(); level++) {
                var setup = BenchSetup.ofNext(spec.with(at(spec.workload(), level)), problems);
                if (setup.isEmpty()) {
                    break;
                }
                System.err.println("bestfit: " + (rates.isEmpty() ? "users " : "rate ") + value(level));
                var file = events.of((level + 1) + (rates.isEmpty() ? "-users-" : "-rate-") + value(level));
                reports.add(run(generator, setup.get(), file, stop.next()));
            }
            if (options.json) {
                var json = Json.object();
                var list = json.putArray("sweep");
                reports.forEach(report -> list.add(report.json()));
                System.out.println(Json.write(json));
            } else {
                System.out.println(BenchTable.of(reports));
            }
            return stop.isStopped()
                    ? ExitCode.STOPPED
                    : problems.none() && reports.stream().anyMatch(BenchReport::anySuccess)
                            ? ExitCode.OK
                            : ExitCode.FAILED;
        }
    }

    private BenchReport run(LoadGenerator generator, BenchSetup setup, Optional<EventsFile> file, StopSignal stop)
            throws InterruptedException {
        var run = setup.spec().json(setup.target().model());
        var before = file.map(each -> each.before(run)).orElseGet(List::of);
        try (var log = file.map(each -> each.log(run)).orElse(null)) {
            return new BenchRun(setup, stop).run(generator, before, log == null ? _ -> {} : log);
        }
    }

    private String value(int level) {
        return rates.isEmpty() ? users.get(level).toString() : rates.get(level).toString();
    }

    /** Every level has prompts of its own, so that none finds those of another in the prefix cache. */
    private Workload at(Workload workload, int level) {
        var load = rates.isEmpty()
                ? workload.load().withUsers(users.get(level))
                : workload.load().withRate(rates.get(level));
        return workload.with(load).withSeed(workload.seed() + level);
    }
}
