package bestfit.cli;

import bestfit.args.ArgsText;
import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.hardware.Device;
import bestfit.hardware.GpuSource;
import bestfit.hardware.Inventory;
import bestfit.hardware.ServerSpec;
import bestfit.hardware.SmiInventory;
import bestfit.model.KnownModels;
import bestfit.perf.EngineVersion;
import bestfit.perf.Load;
import bestfit.perf.MeasuredHere;
import bestfit.perf.Plan;
import bestfit.report.PlanReport;
import bestfit.report.PredictionReport;
import bestfit.report.Wrapped;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit plan}: what can run on a server, what it will do, and why the rest cannot. */
@Command(
        name = "plan",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = {
            "  bestfit plan --model Qwen/Qwen3-32B-FP8 --server 8x4070tis",
            "  bestfit plan --example guide",
            "  bestfit plan --no-predict --devices 4"
        },
        description = "Says which configs fit a server, why the rest do not, and what each will do; no GPU is needed.")
public final class PlanCommand implements Callable<Integer> {
    /** Root mean square of calibrated residuals above which the model does not describe a server. */
    private static final double MISFIT = 0.15;

    @Mixin
    private final SpaceOptions space = new SpaceOptions();

    @Option(names = "--no-predict", description = "Enumerate only.")
    private boolean enumerateOnly;

    @Option(
            names = "--server",
            paramLabel = "SERVER",
            defaultValue = "here",
            description =
                    "Such as 8x4070tis, 4xL4, 8xH100-SXM, a YAML file, a node's URL, or here: this machine (${DEFAULT-VALUE}).")
    private String server = "here";

    @Option(
            names = "--engine-version",
            paramLabel = "V",
            defaultValue = "0.23.0",
            description = "Release of vLLM (${DEFAULT-VALUE}).")
    private String engineVersion = "0.23.0";

    @Option(
            names = "--input",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Prompt tokens of a request (${DEFAULT-VALUE}).")
    private int input = 1000;

    @Option(
            names = "--output",
            paramLabel = "N",
            defaultValue = "300",
            description = "Output tokens of a request (${DEFAULT-VALUE}).")
    private int output = 300;

    @Option(
            names = "--workload",
            paramLabel = "FILE",
            description = "What is sent (docs/workload.md), in place of --input, --output and --users.")
    private @Nullable Path workload;

    @Option(names = "--entry", paramLabel = "NAME", description = "Which of the file's workloads, if it has several.")
    private @Nullable String entry;

    @Option(
            names = "--models",
            paramLabel = "FILE",
            description = "File of models, one a line: which of them fit the server.")
    private @Nullable Path models;

    @Option(
            names = "--cases",
            paramLabel = "CSV",
            description = "Predict every row of a table with the header of the measured tables.")
    private @Nullable Path cases;

    @Option(names = "--out", paramLabel = "CSV", description = "Where --cases writes the table with its predictions.")
    private @Nullable Path out;

    @Option(
            names = "--score",
            paramLabel = "CSV",
            arity = "1..*",
            description = "Errors, coverage and ranking quality of tables that --cases wrote, or of a folder of them.")
    private List<Path> score = List.of();

    @Option(
            names = "--markdown",
            paramLabel = "PAGE",
            description =
                    "With --score: write the errors of each table, and plots, into this page between its two marks.")
    private @Nullable Path markdown;

    @Option(
            names = "--learn",
            paramLabel = "FILE",
            description =
                    "Add to what is known of this --server, for later plans: a table of measurements, a table of single steps, or vLLM's log of its start.")
    private @Nullable Path learn;

    @Option(
            names = "--example",
            paramLabel = "NAME",
            description = "guide: gonka's benchmark guide, published and predicted.")
    private @Nullable String example;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public Integer call() {
        if (!score.isEmpty()) {
            return markdown == null ? PlanTables.score(score, json) : PlanTables.markdown(score, markdown);
        }
        if (cases != null) {
            return predictCases(cases);
        }
        if (example != null) {
            if (!example.equals("guide")) {
                throw new ConfigException("--example " + example + ": the only one is guide");
            }
            return PlanGuide.print(json);
        }
        if (!enumerateOnly && learn == null && models == null) {
            return predict();
        }
        var problems = new Problems();
        check(problems);
        problems.throwIfAny();
        if (enumerateOnly) {
            return enumerate();
        }
        if (learn != null) {
            return PlanTables.learn(
                    learn,
                    Home.of(System.getenv()),
                    serverSpec(),
                    EngineVersion.told(engineVersion),
                    space.model == null ? "" : space.model);
        }
        return PlanModels.print(Objects.requireNonNull(models), serverSpec(), engineVersion, json);
    }

    private int predictCases(Path table) {
        if (out == null) {
            throw new ConfigException("--cases needs --out FILE, where the predictions are written");
        }
        return PlanTables.predict(table, out);
    }

    private void check(Problems problems) {
        space.check(problems);
        if (input < 1) {
            problems.add("--input " + input + " must be at least 1");
        }
        if (output < 1) {
            problems.add("--output " + output + " must be at least 1");
        }
        if (enumerateOnly && !server.equals("here")) {
            problems.add(
                    "--server " + server + ": --no-predict knows only here; give the number of devices with --devices");
        }
    }

    private int predict() {
        if (space.model == null) {
            throw new ConfigException(Wrapped.lines(
                    "--model is missing; give a directory with a config.json, or a bundled model: "
                            + String.join(", ", KnownModels.names()),
                    "  "));
        }
        var problems = new Problems();
        var model = space.model;
        var found = problems.of(() -> KnownModels.find(model));
        var there = problems.of(this::serverSpec);
        var release = problems.of(() -> EngineVersion.told(engineVersion));
        var text = space.args.isEmpty()
                ? found.map(KnownModels.Known::mandatoryArgs).orElse("")
                : space.args;
        var given = problems.of(() -> ArgsText.read("--args", text));
        var load = problems.of(this::load);
        check(problems);
        if (!problems.none() && found.isPresent() && there.isPresent() && release.isPresent() && load.isPresent()) {
            var rest = ArgsText.usable(text);
            Plan.check(new Plan.Query(found.get().card(), there.get(), release.get(), rest, load.get()), problems);
        }
        problems.throwIfAny();
        space.warnOfUnknownArgs();
        var known = found.orElseThrow();
        var on = there.orElseThrow();
        var version = release.orElseThrow();
        var learnt = MeasuredHere.of(MeasuredHere.file(Home.of(System.getenv()), on), on, known.card(), version);
        if (learnt.residual() > MISFIT) {
            System.err.printf(
                    Locale.ROOT,
                    "The model misses what was measured on %s by %.0f %%; trust its ranking less than its intervals.%n",
                    on,
                    100 * learnt.residual());
        }
        var plan = Plan.of(new Plan.Query(known.card(), on, version, given.orElseThrow(), load.orElseThrow()), learnt);
        if (json) {
            System.out.println(Json.write(PredictionReport.json(plan, learnt)));
        } else {
            PredictionReport.text(plan, learnt).forEach(System.out::println);
        }
        return ExitCode.OK;
    }

    private Load load() {
        return workload == null
                ? new Load(input, output, space.users, 0, space.users * 10.0)
                : PlanWorkload.read(workload, entry);
    }

    private ServerSpec serverSpec() {
        if (server.startsWith("http://") || server.startsWith("https://")) {
            return PlanServer.of(server);
        }
        if (!server.equals("here")) {
            return ServerSpec.parse(server);
        }
        var gpus = GpuSource.readHere(System.getenv());
        if (gpus.devices().isEmpty()) {
            throw new ConfigException("--server here: this machine has no GPU; name a server such as 8x4070tis, "
                    + "or list the embedded engine's configs with --no-predict");
        }
        return ServerSpec.of(gpus);
    }

    private int enumerate() {
        var found = space.findModel();
        var inventory = inventory(System.getenv());
        space.warnOfUnknownArgs();
        var enumerated = space.space(found, inventory, inventory.kind() == Device.Kind.CORE);
        if (json) {
            System.out.println(Json.write(PlanReport.json(enumerated)));
        } else {
            PlanReport.text(enumerated).forEach(System.out::println);
        }
        return ExitCode.OK;
    }

    /** GPUs of this machine where there are any, else cores; {@code --devices} overrides the number. */
    private Inventory inventory(Map<String, String> environment) {
        var gpus = SmiInventory.gpus(environment);
        if (gpus.isEmpty()) {
            int cores = Inventory.defaultCores(Runtime.getRuntime().availableProcessors());
            return Inventory.cores(space.devices == null ? cores : space.devices);
        }
        return new Inventory(gpus, 0).resized(space.devices == null ? gpus.size() : space.devices);
    }
}
