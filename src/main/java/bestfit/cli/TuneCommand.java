package bestfit.cli;

import bestfit.args.ArgsText;
import bestfit.args.DeploymentConfig;
import bestfit.args.Layout;
import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Problems;
import bestfit.hardware.Inventory;
import bestfit.model.Model;
import bestfit.store.CampaignStore;
import bestfit.store.Database;
import bestfit.tune.CampaignSpec;
import bestfit.tune.Candidate;
import bestfit.tune.ModelShape;
import bestfit.tune.Objective;
import bestfit.tune.SearchSpace;
import bestfit.tune.TuneWorkload;
import bestfit.workload.WorkloadFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit tune}: the main job, from what is here to a recommendation. */
@Command(
        name = "tune",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = {
            "  bestfit tune",
            "  bestfit tune --dry-run",
            "  bestfit tune --devices 4 --users 8 --objective throughput",
            "  bestfit tune --node http://10.0.0.21:8080 --model ./Qwen3-32B-FP8 --args '--max-model-len 32768'",
            "  bestfit tune --simulate 8x4070tis --time-scale 50 --model Qwen/QwQ-32B"
        },
        description = {
            "Tries every config that can run, measures each under load, and recommends one.",
            "Without flags on a machine without GPU: the embedded model on this machine's cores."
        })
public final class TuneCommand implements Callable<Integer> {
    @Mixin
    private final SpaceOptions space = new SpaceOptions();

    @Mixin
    private final NodeAddressOptions address = new NodeAddressOptions();

    @Mixin
    private final EmbeddedOptions embedded = new EmbeddedOptions();

    @Option(
            names = "--node-logs",
            paramLabel = "FILE|CMD",
            description = "Its log, for the cause of failures: a file, or a command such as 'docker logs -f NAME'.")
    private @Nullable String nodeLogs;

    @Option(
            names = "--engine",
            paramLabel = "E",
            description = "Engine of a node of our own: embedded or vllm (embedded).")
    private @Nullable String engine;

    @Option(names = "--python", paramLabel = "FILE", description = "Python interpreter with vLLM, for --engine vllm.")
    private @Nullable String python;

    @Option(
            names = "--objective",
            paramLabel = "O",
            defaultValue = "score",
            description = "score, throughput or latency (${DEFAULT-VALUE}).")
    private String objective = "score";

    @Option(
            names = "--budget",
            paramLabel = "10m",
            description = "No trial begins that would end later, over all runs of the same command (no limit).")
    private @Nullable String budget;

    @Option(
            names = "--search",
            paramLabel = "S",
            defaultValue = "exhaustive",
            description = "exhaustive: every config that can run (${DEFAULT-VALUE}).")
    private String search = "exhaustive";

    @Option(
            names = "--baseline",
            paramLabel = "ARGS",
            description = "vLLM args to compare with, where nothing ran before.")
    private @Nullable String baseline;

    @Option(names = "--replace", description = "Interrupt what runs on the node; it runs again afterwards.")
    private boolean replace;

    @Option(names = "--dry-run", description = "Show what would be tried; deploy nothing.")
    private boolean dryRun;

    @Option(names = "--yes", description = "Ask nothing.")
    private boolean yes;

    @Option(names = "--seed", paramLabel = "N", description = "Of prompts and sampling (42, or the workload's).")
    private @Nullable Long seed;

    @Option(
            names = "--workload",
            paramLabel = "FILE",
            description =
                    "What is measured with, one experiment for each workload of the file (docs/workload.md); how many"
                            + " requests is tune's to say. Without it, the guide's short and long prompts.")
    private @Nullable Path workloadFile;

    @Option(names = "--db", paramLabel = "FILE", description = "Database file ($BESTFIT_HOME/bestfit.sqlite).")
    private @Nullable Path db;

    @Option(names = "--new", description = "Begin a new campaign even if the same one is unfinished.")
    private boolean fresh;

    @Option(
            names = "--start-timeout",
            paramLabel = "90s",
            description =
                    "For a config's engines to answer, on a node of our own (embedded: ten times the slowest start "
                            + "so far, 15s at least; vLLM: 20m).")
    private @Nullable String startTimeout;

    @Option(
            names = "--server",
            paramLabel = "SERVER",
            description = "The server that is simulated, where it is said twice.")
    private @Nullable String server;

    @Option(names = "--json", description = "Print the result as one JSON object, the last line of standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var environment = System.getenv();
        check();
        if (space.model == null && address.node == null && engine == null && embedded.simulate == null) {
            var found = HereFinder.suggestions(environment);
            if (!found.isEmpty()) {
                System.err.println("bestfit: this machine has more than its cores; say what to tune:");
                found.forEach(line -> System.err.println("  " + line));
                return ExitCode.BAD_INPUT;
            }
        }
        var workload = workload();
        space.users = workload.users();
        var model = space.findModel();
        var mandatory = space.mandatory();
        checkContext(workload, model, mandatory);
        if (baseline != null) {
            checkContext(workload, model, VllmArgs.merge(mandatory, ArgsText.read("--baseline", baseline)));
        }
        var target = target();
        var inventory = target.inventory(space.devices, environment);
        var enumerated = space.space(model, inventory, target.embedded(inventory));
        var spec = spec(model, enumerated, target, workload, inventory, environment);
        var home = Home.of(environment);
        var file = db == null ? home.resolve("bestfit.sqlite") : db;
        var options = new TuneRun.Options(
                replace || yes,
                fresh,
                json,
                server(spec, target, inventory.summary()),
                file,
                budget(new Problems()),
                Optional.ofNullable(nodeLogs));
        var run = new TuneRun(spec, target, options, environment);
        space.warnOfUnknownArgs();
        if (dryRun || enumerated.candidates().isEmpty()) {
            if (Files.exists(file)) {
                Database.openToRead(file, home).close();
            }
            return run.showOnly();
        }
        try (var database = DatabaseOption.open(file)) {
            return run.run(database, new CampaignStore(database), model);
        }
    }

    private TuneWorkload workload() {
        var guide = TuneWorkload.guide(space.users, seed == null ? 42 : seed);
        if (workloadFile == null) {
            return guide;
        }
        var problems = new Problems();
        var workloads = WorkloadFile.all(workloadFile, problems);
        problems.throwIfAny();
        var read = TuneWorkload.of(workloads, problems);
        problems.throwIfAny();
        return seed == null ? read : new TuneWorkload(read.users(), read.blocks(), seed, read.experiments());
    }

    /** Every config would start, take its minutes, and refuse every request. */
    private static void checkContext(TuneWorkload workload, Model model, VllmArgs args) {
        boolean stretched = args.has("--hf-overrides") || args.has("--rope-scaling");
        var told = args.intValue("--max-model-len");
        if (told.isEmpty() && stretched) {
            return;
        }
        int context = told.orElse(model.spec().maxPositions());
        var problems = new Problems();
        workload.beyond(context)
                .forEach(line -> problems.add("workload " + line + " ("
                        + (told.isPresent() ? "--max-model-len" : "the model's own")
                        + "); give shorter ones with --workload FILE, or a longer context"));
        problems.throwIfAny();
    }

    private void check() {
        var problems = new Problems();
        space.check(problems);
        problems.requireOneOf("--engine", engine, "embedded", "vllm");
        problems.requireOneOf("--search", search, "exhaustive");
        problems.requireOneOf("--objective", objective, names());
        budget(problems);
        if (address.node != null && engine != null) {
            problems.add("--engine " + engine + ": the node at " + address.node
                    + " has its own engine; leave one of them out");
        }
        embedded.check(
                problems, address.node != null ? "a node that runs already" : "vllm".equals(engine) ? "vLLM" : null);
        if (startTimeout != null && address.node != null) {
            problems.add(
                    "--start-timeout " + startTimeout + ": the node at " + address.node + " has its own; leave it out");
        }
        if (startTimeout != null && !startTimeout.equals("auto")) {
            NodeCommand.startLimit(problems, startTimeout);
        }
        if (server != null && !server.equals(embedded.simulate)) {
            problems.add(
                    "--server " + server + ": the devices of a real server are found by themselves; simulated ones are "
                            + "given with --simulate " + server);
        }
        VllmPython.check(problems, python);
        if (python != null && !"vllm".equals(engine)) {
            problems.add("--python " + python + " is for --engine vllm");
        }
        problems.throwIfAny();
    }

    private Optional<Duration> budget(Problems problems) {
        return Optional.ofNullable(budget)
                .map(text -> NodeCommand.someTime(
                        problems, "--budget", text, "no time for a trial; give some, such as 10m"));
    }

    private static String[] names() {
        return Arrays.stream(Objective.values()).map(Objective::toString).toArray(String[]::new);
    }

    private TuneTarget target() {
        var running = address.address();
        if (running.isPresent()) {
            return new TuneTarget.Running(running.get(), address.managementToken());
        }
        var simulated = Optional.ofNullable(embedded.simulate)
                .map(spec -> new TuneTarget.Simulated(spec, embedded.timeScale()));
        return new TuneTarget.Own(
                "vllm".equals(engine),
                Optional.ofNullable(python),
                Optional.ofNullable(embedded.fault),
                simulated,
                Optional.ofNullable(startTimeout));
    }

    private CampaignSpec spec(
            Model model,
            SearchSpace enumerated,
            TuneTarget target,
            TuneWorkload workload,
            Inventory inventory,
            Map<String, String> environment)
            throws IOException {
        return new CampaignSpec(
                target.where(),
                target.engineAndVersion(environment),
                inventory.count(),
                ModelShape.of(model, space.dtype),
                model.read("config.json").orElse(""),
                enumerated,
                workload,
                Objective.valueOf(objective.toUpperCase(Locale.ROOT)),
                explicitBaseline(model, inventory.count()),
                Optional.ofNullable(embedded.fault),
                target.slowStarts(inventory));
    }

    private Optional<Candidate> explicitBaseline(Model model, int devices) {
        if (baseline == null) {
            return Optional.empty();
        }
        var args = VllmArgs.merge(space.mandatory(), ArgsText.read("--baseline", baseline));
        if (args.devicesPerInstance() > devices) {
            throw new ConfigException("--baseline: an instance of " + args.devicesPerInstance()
                    + " devices (TP × PP) does not fit on " + devices);
        }
        var layout = Layout.filling(args.tensorParallel(), args.pipelineParallel(), devices);
        return Optional.of(new Candidate(new DeploymentConfig(model.name(), space.dtype, args), layout));
    }

    private static String server(CampaignSpec spec, TuneTarget target, String devices) {
        return spec.model().title() + " on " + devices + " of " + target.title() + "   " + target.engine();
    }
}
