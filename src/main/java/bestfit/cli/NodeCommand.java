package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.config.Spans;
import bestfit.hardware.Inventory;
import bestfit.hardware.SmiInventory;
import bestfit.hardware.VisibleGpus;
import bestfit.http.HttpServer;
import bestfit.node.CommandTemplate;
import bestfit.node.Devices;
import bestfit.node.EngineProgram;
import bestfit.node.NodeOptions;
import bestfit.node.NodeServer;
import bestfit.node.StartLimit;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit node}: runs until it is told to end. */
@Command(
        name = "node",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = {
            "  bestfit node --engine embedded",
            "  bestfit node --port 0 --inference-port 0",
            "  bestfit node --devices 4 --fault tp=2:exit"
        },
        description = "Runs a node with MLNode's management API: it starts engines and balances requests over them.")
public final class NodeCommand implements Callable<Integer> {
    private static final double LONGEST_SECONDS = 7 * 86_400;
    private static final int LAST_PORT = 65_535;
    private static final int MOST_DEVICES = 1024;
    private static final Duration HANG_GRACE = Duration.ofMinutes(2);

    /** As MLNode's own: a large model takes up to a quarter of an hour to load. */
    private static final String START_TIMEOUT = "20m";

    private static final Pattern NO_TIME = Pattern.compile("0(ms|s|m|h)?");

    @Option(
            names = "--host",
            paramLabel = "H",
            defaultValue = "127.0.0.1",
            description = "Address to listen on (${DEFAULT-VALUE}).")
    private String host = "";

    @Option(
            names = "--port",
            paramLabel = "P",
            defaultValue = "8080",
            description = "Management port; 0 takes a free one (${DEFAULT-VALUE}).")
    private int port;

    @Option(
            names = "--inference-port",
            paramLabel = "P",
            defaultValue = "5000",
            description = "Balanced port P; engines listen on P+1, P+2, …; 0 takes free ones (${DEFAULT-VALUE}).")
    private int inferencePort;

    @Option(
            names = "--engine",
            paramLabel = "E",
            description = "embedded or vllm; vllm when its interpreter is found, else embedded.")
    private @Nullable String engine;

    @Option(
            names = "--python",
            paramLabel = "FILE",
            description = "Python with vLLM (VLLM_PYTHON_PATH, else that of the vllm on the path).")
    private @Nullable String python;

    @Option(
            names = "--engine-command",
            paramLabel = "CMD",
            description =
                    "Program to start as engine, with {model} {dtype} {host} {port} {devices} {args} where wanted.")
    private @Nullable String engineCommand;

    @Mixin
    private final EmbeddedOptions embedded = new EmbeddedOptions();

    @Option(
            names = "--devices",
            paramLabel = "N",
            description =
                    "How many devices to share out (GPUs found, those of CUDA_VISIBLE_DEVICES where it is set; else "
                            + "2 to 4 cores). More than the variable names: those from 0 on.")
    private @Nullable Integer devices;

    @Option(
            names = "--when-running",
            paramLabel = "W",
            defaultValue = "replace",
            description = "replace or refuse: what an up does while another deployment runs (${DEFAULT-VALUE}).")
    private String whenRunning = "";

    @Option(
            names = "--start-timeout",
            paramLabel = "20m",
            defaultValue = START_TIMEOUT,
            description =
                    "For all instances to answer, such as 90s, 20m or 1h; auto: 60s, then ten times the slowest start so "
                            + "far, at least 15s (${DEFAULT-VALUE}).")
    private String startTimeout = "";

    @Option(
            names = "--hang-grace",
            paramLabel = "2m",
            description =
                    "How long an engine with requests may make no token before it leaves the rotation; after as long "
                            + "again it is started anew; 0s for never (MLNODE_HANG_GRACE_SEC, else 2m).")
    private @Nullable String hangGrace;

    @Option(
            names = "--drain",
            paramLabel = "10s",
            defaultValue = "10s",
            description = "How long a replaced deployment may finish what it has (${DEFAULT-VALUE}).")
    private String drain = "";

    @Option(
            names = "--attach",
            paramLabel = "URL,…",
            split = ",",
            description = "Engines that run already: balanced and watched, not started or stopped.")
    private List<String> attach = List.of();

    @Option(
            names = "--management-token-file",
            paramLabel = "FILE",
            description = "Bearer token that the management API asks for (none).")
    private @Nullable Path managementToken;

    @Option(
            names = "--inference-token-file",
            paramLabel = "FILE",
            description = "Bearer token that /v1 asks for, on both ports (none).")
    private @Nullable Path inferenceToken;

    @Option(
            names = "--allow-args",
            paramLabel = "FILE",
            description = "JSON: args that can load code or open files, allowed by model all the same.")
    private @Nullable Path allowedArgs;

    @Option(
            names = "--max-body",
            paramLabel = "MIB",
            defaultValue = "64",
            description = "Largest request body in MiB; a larger one is answered 413 (${DEFAULT-VALUE}).")
    private int maxBodyMib;

    @Option(
            names = "--max-headers",
            paramLabel = "KIB",
            defaultValue = "64",
            description = "Largest request head in KiB; a larger one is answered 431 (${DEFAULT-VALUE}).")
    private int maxHeadersKib;

    @Option(
            names = "--max-connections",
            paramLabel = "N",
            defaultValue = "10000",
            description = "Most connections at once, for each port (${DEFAULT-VALUE}).")
    private int maxConnections;

    @Option(
            names = "--idle-timeout",
            paramLabel = "2m",
            defaultValue = "2m",
            description =
                    "A connection without a byte for so long is closed, unless it waits for an answer (${DEFAULT-VALUE}).")
    private String idleTimeout = "";

    @Option(
            names = "--request-timeout",
            paramLabel = "1m",
            defaultValue = "1m",
            description =
                    "A request that has not come whole so long after its first byte is answered 408 (${DEFAULT-VALUE}).")
    private String requestTimeout = "";

    @Override
    public Integer call() throws IOException, InterruptedException {
        var server = NodeServer.start(options(System.getenv()));
        Runtime.getRuntime().addShutdownHook(new Thread(server::close, "end of the node"));
        System.out.println(Json.write(server.announcement()));
        System.out.flush();
        if ("1".equals(System.getenv("BESTFIT_PARENT_PIPE"))) {
            Thread.ofPlatform().daemon().name("parent").start(NodeCommand::endWithParent);
        }
        server.awaitClosed();
        return ExitCode.OK;
    }

    /** The parent holds the other end of standard input, so it ends when the parent does, however that happens. */
    private static void endWithParent() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is expected; only the end matters.
            }
        } catch (IOException broken) {
            // As good as an end.
        }
        System.exit(ExitCode.OK);
    }

    private NodeOptions options(Map<String, String> asked) {
        var problems = new Problems();
        problems.requireRange("--port", port, 0, LAST_PORT);
        problems.requireOneOf("--when-running", whenRunning, "replace", "refuse");
        if (devices != null) {
            problems.requireRange("--devices", devices, 1, MOST_DEVICES);
        }
        var limit = startTimeout.equals("auto")
                ? new StartLimit.Learned()
                : new StartLimit.Fixed(startLimit(problems, startTimeout));
        var drainLimit = duration(problems, "--drain", drain);
        var grace = hangGrace == null ? toldGrace(asked) : duration(problems, "--hang-grace", hangGrace);
        var limits = limits(problems);
        var attached = attached(problems);
        var program = program(problems, asked);
        problems.throwIfAny();
        var environment = program instanceof EngineProgram.Vllm ? VisibleGpus.numbered(asked) : asked;
        var shared = devices(program, environment);
        problems.requireRange("--inference-port", inferencePort, 0, LAST_PORT - shared.count());
        problems.throwIfAny();
        return new NodeOptions(
                host,
                port,
                inferencePort,
                program,
                shared,
                whenRunning.equals("replace"),
                limit,
                grace,
                drainLimit,
                attached,
                new NodeOptions.Security(
                        Optional.ofNullable(managementToken),
                        Optional.ofNullable(inferenceToken),
                        Optional.ofNullable(allowedArgs)),
                limits,
                Home.of(environment),
                environment,
                VersionCommand.version());
    }

    private HttpServer.Limits limits(Problems problems) {
        problems.requireRange("--max-body", maxBodyMib, 1, 2_000);
        problems.requireRange("--max-headers", maxHeadersKib, 1, 1_024);
        problems.requireRange("--max-connections", maxConnections, 1, 1_000_000);
        var idle = duration(problems, "--idle-timeout", idleTimeout);
        var whole = duration(problems, "--request-timeout", requestTimeout);
        if (idle.isZero() || whole.isZero()) {
            problems.add("--idle-timeout and --request-timeout are at least 1s");
        }
        return new HttpServer.Limits(
                maxBodyMib << 20, maxHeadersKib << 10, maxConnections, idle.toNanos(), whole.toNanos());
    }

    private Devices devices(EngineProgram program, Map<String, String> environment) {
        int cores = Inventory.defaultCores(Runtime.getRuntime().availableProcessors());
        if (program instanceof EngineProgram.Embedded) {
            return Devices.counted(
                    devices != null ? devices : embedded.devices().orElse(cores));
        }
        var visible = VisibleGpus.entries(environment).map(Devices::new);
        if (devices != null) {
            int told = devices;
            return visible.filter(each -> told <= each.count())
                    .map(each -> each.first(told))
                    .orElseGet(() -> Devices.counted(told));
        }
        int gpus = visible.isPresent() ? 0 : SmiInventory.gpus(environment).size();
        return visible.orElseGet(() -> Devices.counted(gpus == 0 ? cores : gpus));
    }

    private List<URI> attached(Problems problems) {
        var urls = new ArrayList<URI>();
        for (var text : attach) {
            var url = text.matches("http://[A-Za-z0-9.-]+(:\\d{1,5})?/?") ? URI.create(text) : URI.create("");
            boolean port = url.getPort() < 0 || (url.getPort() > 0 && url.getPort() <= LAST_PORT);
            if (url.getHost() != null && port) {
                urls.add(url);
            } else {
                problems.add("--attach " + text + " is no address of an engine; http://HOST:PORT is expected");
            }
        }
        if (!urls.isEmpty() && (engine != null || engineCommand != null || embedded.fault != null)) {
            problems.add("--attach takes engines that run already; leave out --engine, --engine-command and --fault");
        }
        return urls;
    }

    private EngineProgram program(Problems problems, Map<String, String> environment) {
        problems.requireOneOf("--engine", engine, "embedded", "vllm");
        if (engineCommand != null) {
            embedded.check(problems, "--engine-command");
            return new EngineProgram.Command(CommandTemplate.parse(engineCommand));
        }
        VllmPython.check(problems, python);
        var interpreter = VllmPython.find(Optional.ofNullable(python), environment);
        if ("vllm".equals(engine) || (engine == null && interpreter.isPresent())) {
            embedded.check(problems, "vLLM");
            if (interpreter.isEmpty()) {
                problems.add("--engine vllm: no vLLM is found; give its interpreter with --python, "
                        + "or VLLM_PYTHON_PATH, or have vllm on the PATH");
            }
            return new EngineProgram.Vllm(interpreter.orElse("python3"));
        }
        embedded.check(problems, null);
        return new EngineProgram.Embedded(Optional.ofNullable(embedded.fault), simulation());
    }

    private List<String> simulation() {
        return embedded.simulate == null
                ? List.of()
                : List.of("--simulate", embedded.simulate, "--time-scale", embedded.timeScale());
    }

    /** MLNode's variable, in seconds; what is no number counts as not given, as there. */
    private static Duration toldGrace(Map<String, String> environment) {
        var told = environment.getOrDefault("MLNODE_HANG_GRACE_SEC", "");
        return told.matches("-?\\d{1,9}") ? Duration.ofSeconds(Long.parseLong(told)) : HANG_GRACE;
    }

    /** Of {@code --start-timeout}: some time. */
    static Duration startLimit(Problems problems, String text) {
        return someTime(problems, "--start-timeout", text, "an engine no time to start; give some, such as 90s or 20m");
    }

    /** @param withoutIt what a time of 0 leaves, and what to give instead */
    static Duration someTime(Problems problems, String flag, String text, String withoutIt) {
        if (NO_TIME.matcher(text).matches()) {
            problems.add(flag + " " + text + " leaves " + withoutIt);
        }
        return duration(problems, flag, text);
    }

    static Duration duration(Problems problems, String flag, String text) {
        try {
            return NO_TIME.matcher(text).matches() ? Duration.ZERO : Spans.parse(text, LONGEST_SECONDS);
        } catch (ConfigException wrong) {
            problems.add(flag + ": " + wrong.getMessage());
            return Duration.ZERO;
        }
    }
}
