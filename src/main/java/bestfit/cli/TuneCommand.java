package bestfit.cli;

import bestfit.args.ArgsText;
import bestfit.args.DeploymentConfig;
import bestfit.args.Layout;
import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Problems;
import bestfit.deploy.NodeAddress;
import bestfit.engine.Fault;
import bestfit.engine.Simulation;
import bestfit.model.Model;
import bestfit.store.CampaignStore;
import bestfit.store.Database;
import bestfit.tune.CampaignSpec;
import bestfit.tune.Candidate;
import bestfit.tune.ModelShape;
import bestfit.tune.Objective;
import bestfit.tune.SearchSpace;
import bestfit.tune.TuneWorkload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit tune}: the main job, from what is here to a recommendation. */
@Command(
        name = "tune",
        mixinStandardHelpOptions = true,
        description = {
            "Tries every config that can run, measures each under load, and recommends one.",
            "Without flags on a machine without GPU: the embedded model on this machine's cores."
        })
public final class TuneCommand implements Callable<Integer> {
    @Mixin
    private final SpaceOptions space = new SpaceOptions();

    @Option(names = "--node", description = "Management URL of a running node, such as http://HOST:8080.")
    private @Nullable String node;

    @Option(names = "--inference", description = "Its inference URL (port 5000 of the same host).")
    private @Nullable String inference;

    @Option(
            names = "--node-logs",
            paramLabel = "FILE|CMD",
            description = "Its log, for the cause of failures: a file, or a command such as 'docker logs -f NAME'.")
    private @Nullable String nodeLogs;

    @Option(names = "--engine", description = "Engine of a node of our own: embedded or vllm (embedded).")
    private @Nullable String engine;

    @Option(names = "--python", description = "Python interpreter with vLLM, for --engine vllm.")
    private @Nullable String python;

    @Option(
            names = "--objective",
            defaultValue = "score",
            description = "score, throughput or latency (${DEFAULT-VALUE}).")
    private String objective = "score";

    @Option(
            names = "--search",
            defaultValue = "exhaustive",
            description = "exhaustive: every config that can run (${DEFAULT-VALUE}).")
    private String search = "exhaustive";

    @Option(names = "--baseline", description = "vLLM args to compare with, where nothing ran before.")
    private @Nullable String baseline;

    @Option(names = "--replace", description = "Interrupt what runs on the node; it runs again afterwards.")
    private boolean replace;

    @Option(names = "--dry-run", description = "Show what would be tried; deploy nothing.")
    private boolean dryRun;

    @Option(names = "--yes", description = "Ask nothing.")
    private boolean yes;

    @Option(names = "--seed", defaultValue = "42", description = "Of prompts and sampling (${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--db", description = "Database file ($BESTFIT_HOME/bestfit.sqlite).")
    private @Nullable Path db;

    @Option(names = "--new", description = "Begin a new campaign even if the same one is unfinished.")
    private boolean fresh;

    @Option(names = "--fault", description = "Fault that embedded engines show: [LAYOUT:]KIND[:N],…")
    private @Nullable String fault;

    @Option(
            names = "--simulate",
            description =
                    "GPUs that embedded engines simulate, such as 8x4070tis or a server's YAML file; every result is "
                            + "then marked simulated.")
    private @Nullable String simulate;

    @Option(names = "--server", description = "The server that is simulated, where it is said twice.")
    private @Nullable String server;

    @Option(names = "--time-scale", description = "Simulated seconds that pass in one (1).")
    private @Nullable String timeScale;

    @Option(names = "--json", description = "Print the result as one JSON object, the last line of standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var environment = System.getenv();
        check();
        if (space.model == null && node == null && engine == null && simulate == null) {
            var found = HereFinder.suggestions(environment);
            if (!found.isEmpty()) {
                System.err.println("bestfit: this machine has more than its cores; say what to tune:");
                found.forEach(line -> System.err.println("  " + line));
                return ExitCode.BAD_INPUT;
            }
        }
        var model = space.findModel();
        var target = target(environment);
        var inventory = target.inventory(space.devices, environment);
        var enumerated = space.space(model, inventory, target.embedded(inventory));
        var spec = spec(model, enumerated, target, inventory.count(), environment);
        var home = Home.of(environment);
        var file = db == null ? home.resolve("bestfit.sqlite") : db;
        var options = new TuneRun.Options(
                replace || yes,
                fresh,
                json,
                server(spec, target, inventory.summary()),
                file,
                Optional.ofNullable(nodeLogs));
        var run = new TuneRun(spec, target, options, environment);
        if (dryRun || enumerated.candidates().isEmpty()) {
            return run.showOnly();
        }
        try (var database = Database.open(file, home)) {
            return run.run(database, new CampaignStore(database), model);
        }
    }

    private void check() {
        var problems = new Problems();
        space.check(problems);
        oneOf(problems, "--engine", engine, "embedded", "vllm");
        oneOf(problems, "--search", search, "exhaustive");
        oneOf(problems, "--objective", objective, names());
        if (node != null && engine != null) {
            problems.add("--engine " + engine + ": the node at " + node + " has its own engine; leave one of them out");
        }
        if (node == null && inference != null) {
            problems.add("--inference " + inference + " belongs to a node; give --node too");
        }
        if (fault != null && (node != null || "vllm".equals(engine))) {
            problems.add("--fault " + fault + " is for embedded engines of a node of our own; leave it out");
        }
        if (simulate != null && (node != null || "vllm".equals(engine))) {
            problems.add("--simulate " + simulate + " is for embedded engines of a node of our own; leave it out");
        }
        if (server != null && !server.equals(simulate)) {
            problems.add(
                    "--server " + server + ": the devices of a real server are found by themselves; simulated ones are "
                            + "given with --simulate " + server);
        }
        if (simulate == null && timeScale != null) {
            problems.add("--time-scale " + timeScale + " belongs to --simulate; give the GPUs to simulate too");
        }
        if (simulate != null) {
            Simulation.check(simulate, Objects.requireNonNullElse(timeScale, "1"));
        }
        if (fault != null) {
            Fault.check(fault);
        }
        if (python != null && !Files.isExecutable(Path.of(python))) {
            problems.add("--python " + python + " is no program that can be run; give a Python interpreter's file");
        }
        if (python != null && !"vllm".equals(engine)) {
            problems.add("--python " + python + " is for --engine vllm");
        }
        problems.throwIfAny();
    }

    private static String[] names() {
        return Arrays.stream(Objective.values()).map(Objective::toString).toArray(String[]::new);
    }

    private static void oneOf(Problems problems, String flag, @Nullable String value, String... allowed) {
        if (value != null && !Arrays.asList(allowed).contains(value)) {
            problems.add(flag + " " + value + " is not known; allowed: "
                    + Arrays.stream(allowed).collect(Collectors.joining(", ")));
        }
    }

    private TuneTarget target(Map<String, String> environment) {
        if (node != null) {
            return new TuneTarget.Running(NodeAddress.of(node, inference));
        }
        boolean vllm = "vllm".equals(engine);
        return new TuneTarget.Own(vllm, Optional.ofNullable(python), Optional.ofNullable(fault), simulated());
    }

    private Optional<TuneTarget.Simulated> simulated() {
        return Optional.ofNullable(simulate)
                .map(spec -> new TuneTarget.Simulated(spec, Objects.requireNonNullElse(timeScale, "1")));
    }

    private CampaignSpec spec(
            Model model, SearchSpace enumerated, TuneTarget target, int devices, Map<String, String> environment)
            throws IOException {
        return new CampaignSpec(
                target.where(),
                target.engineAndVersion(environment),
                devices,
                ModelShape.of(model, space.dtype),
                model.read("config.json").orElse(""),
                enumerated,
                TuneWorkload.guide(space.users, seed),
                Objective.valueOf(objective.toUpperCase(Locale.ROOT)),
                explicitBaseline(model, devices),
                Optional.ofNullable(fault));
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
