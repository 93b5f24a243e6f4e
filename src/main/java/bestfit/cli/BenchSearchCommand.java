package bestfit.cli;

import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.load.LoadGenerator;
import bestfit.load.StopSignal;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.metrics.Slo;
import bestfit.workload.RateSearch;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;

/** {@code bestfit bench search}: the highest rate that the server keeps up with under an SLO. */
@Command(
        name = "search",
        mixinStandardHelpOptions = true,
        description = "Finds the highest rate at which a share of all requests keeps the limits of --slo.")
public final class BenchSearchCommand implements Callable<Integer> {
    /** So often a rate is tried again at which the client itself was late. */
    private static final int MOST_INVALID = 2;

    @Mixin
    private final BenchOptions options = new BenchOptions();

    @Option(names = "--share", paramLabel = "P", description = "Share that must keep them (default: ${DEFAULT-VALUE}).")
    private double share = 0.9;

    @Option(names = "--from", paramLabel = "R", description = "Rate tried first (default: ${DEFAULT-VALUE}).")
    private double from = 1;

    @Option(names = "--least", paramLabel = "R", description = "No rate below it is tried (default: ${DEFAULT-VALUE}).")
    private double least = 0.05;

    @Option(names = "--most", paramLabel = "R", description = "No rate above it is tried (default: ${DEFAULT-VALUE}).")
    private double most = 10_000;

    @Option(
            names = "--precision",
            paramLabel = "P",
            description = "Ends when the rates that pass and fail differ by no more (default: ${DEFAULT-VALUE}).")
    private double precision = 0.1;

    @Mixin
    private final EventsOptions events = new EventsOptions();

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        check(problems);
        events.check(problems);
        var spec = options.spec(problems, "load.rate");
        if (spec.workload().slo().isEmpty() && problems.none()) {
            problems.add("--slo: is missing; a search needs the limits of a good request, such as ttft:500,tpot:50.");
        }
        BenchSetup.of(spec, problems);
        var slo = spec.workload().slo().orElseThrow();
        var search = new RateSearch(least, from, most, precision);
        var probes = Json.array();
        int invalid = 0;
        try (var generator = LoadGenerator.open();
                var stop = BenchStop.listen()) {
            while (search.next().isPresent() && !stop.isStopped()) {
                double rate = search.next().getAsDouble();
                var workload = spec.workload();
                var extent =
                        search.thorough() ? workload.extent().atLeast(thoroughSeconds(slo), rate) : workload.extent();
                if (search.confirming() && extent.equals(workload.extent())) {
                    search.tell(true); // it was long enough
                    continue;
                }
                var file = events.of((probes.size() + 1) + "-rate-" + rate);
                if (file.filter(EventsFile::wasInvalid).isPresent()) {
                    addInvalid(probes, rate, List.of("before the interruption"));
                    continue;
                }
                // prompts of its own, so that none finds those of a probe before in the prefix cache
                var probed = workload.with(workload.load().withRate(rate))
                        .with(extent)
                        .withSeed(workload.seed() + probes.size());
                var setup = setup(spec.with(probed), rate, problems);
                if (setup.isEmpty()) {
                    break;
                }
                var signal = stop.next();
                var schedule = setup.get().planned().schedule().orElseThrow();
                var gate = new Gate(slo, schedule.size(), signal);
                var reasons = probe(generator, new BenchRun(setup.get(), signal), file, gate);
                if (stop.isStopped()) {
                    break;
                }
                if (!reasons.isEmpty() && !gate.failed()) { // neither a yes nor a no of the server
                    addInvalid(probes, rate, reasons);
                    file.ifPresent(EventsFile::setInvalid);
                    if (++invalid > MOST_INVALID) {
                        break;
                    }
                    continue;
                }
                invalid = 0;
                search.tell(!gate.failed());
                add(probes, rate, gate, !gate.failed());
            }
            print(search, probes);
            return stop.isStopped()
                    ? ExitCode.STOPPED
                    : problems.none() && search.highestPassed().isPresent() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    /** Sends what an interruption left of a probe, and tells why it is INVALID; a share that was out of reach then still is. */
    private static List<String> probe(LoadGenerator generator, BenchRun run, Optional<EventsFile> file, Gate gate)
            throws InterruptedException {
        var asked = run.setup().spec().json(run.setup().target().model());
        var before = file.map(each -> each.before(asked)).orElseGet(List::of);
        gate.acceptAll(before);
        if (gate.failed()) {
            return List.of();
        }
        try (var log = file.map(each -> each.log(asked)).orElse(null)) {
            // What the verdict rests on is kept first.
            return run.run(generator, before, log == null ? gate : log.then(gate))
                    .reasons();
        }
    }

    /** Of a probe that sends something: a short one at a low rate may hold no request. */
    private static Optional<BenchSetup> setup(BenchSpec spec, double rate, Problems problems) {
        var workload = spec.workload();
        var setup = BenchSetup.ofNext(spec, problems);
        for (double seconds = 1 / rate; setup.isPresent() && isEmpty(setup.get()); seconds *= 2) {
            setup = BenchSetup.ofNext(spec.with(workload.with(workload.extent().atLeast(seconds, rate))), problems);
        }
        return setup;
    }

    private static boolean isEmpty(BenchSetup setup) {
        return setup.planned().schedule().orElseThrow().size() == 0;
    }

    /**
     * How long a probe must last for a server whose capacity is short of the rate by the precision p to break a limit L for more
     * than the share that may: its requests wait t p / (1 + p) at time t, so that the last 1 - share of them are late after
     * L (1 + p) / (p share). Zero where only the time between tokens is limited, which a queue does not lengthen.
     */
    private double thoroughSeconds(Slo slo) {
        double limit = slo.leastWaitMillis() / 1000;
        return Double.isInfinite(limit) ? 0 : limit * (1 + precision) / (precision * share);
    }

    private void check(Problems problems) {
        if (!(share > 0 && share < 1)) {
            problems.add("--share: " + share + " is not allowed; it takes a number between 0 and 1.");
        }
        if (!(least > 0 && least <= from && from <= most && most <= 1e6)) {
            problems.add("--least, --from, --most: " + least + ", " + from + ", " + most
                    + " are not allowed; they take rates from above 0 to 1000000, in this order.");
        }
        if (!(precision >= 0.001 && precision <= 10)) {
            problems.add("--precision: " + precision + " is not allowed; it takes 0.001 to 10.");
        }
    }

    private static void addInvalid(ArrayNode probes, double rate, List<String> reasons) {
        System.err.println("bestfit: the client is at its limit at rate " + rate + ": " + reasons);
        probes.addObject().put("rate", rate).put("verdict", "INVALID").put("passed", false);
    }

    private static void add(ArrayNode probes, double rate, Gate gate, boolean passed) {
        probes.addObject()
                .put("rate", rate)
                .put("requests", gate.seen)
                .put("share", gate.share())
                .put("share_is", gate.cut ? "at most" : "measured")
                .put("passed", passed);
        System.err.printf(
                Locale.ROOT,
                "bestfit: rate %.3g: %s%.1f %% of %d requests keep the limits: %s%n",
                rate,
                gate.cut ? "at most " : "",
                100 * gate.share(),
                gate.total,
                passed ? "passed" : "failed");
    }

    private void print(RateSearch search, ArrayNode probes) {
        var json = Json.object();
        put(json, "rate", search.highestPassed());
        put(json, "fails_at", search.lowestFailed());
        json.put("share", share);
        json.set("probes", probes);
        if (options.json) {
            System.out.println(Json.write(json));
        } else if (search.highestPassed().isPresent()) {
            System.out.printf(
                    Locale.ROOT,
                    "highest rate with %.0f %% of requests within the limits: %.3g requests/s%s%n",
                    100 * share,
                    search.highestPassed().getAsDouble(),
                    search.lowestFailed().isPresent()
                            ? String.format(
                                    Locale.ROOT,
                                    " (fails at %.3g)",
                                    search.lowestFailed().getAsDouble())
                            : " (none was tried that fails)");
        } else {
            System.out.println("no rate was found at which enough requests keep the limits");
        }
    }

    private static void put(tools.jackson.databind.node.ObjectNode json, String key, OptionalDouble value) {
        if (value.isPresent()) {
            json.put(key, value.getAsDouble());
        } else {
            json.putNull(key);
        }
    }

    /** Ends a probe once so many requests broke the limits that the share is out of reach. */
    private final class Gate implements MeasurementSink {
        private final Slo slo;
        private final int total;
        private final StopSignal stop;
        private int seen;
        private int bad;
        private boolean cut;

        Gate(Slo slo, int total, StopSignal stop) {
            this.slo = slo;
            this.total = total;
            this.stop = stop;
        }

        @Override
        public void acceptAll(List<Measurement> measurements) {
            seen += measurements.size();
            bad += (int) measurements.stream().filter(each -> !slo.keeps(each)).count();
            if (failed() && !cut) {
                cut = true;
                stop.cut();
            }
        }

        boolean failed() {
            return share() < share;
        }

        /** Of all requests of the probe; those not seen yet count as good. */
        double share() {
            return 1 - bad / (double) Math.max(1, total);
        }
    }
}
