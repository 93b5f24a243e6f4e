package bestfit.cli;

import bestfit.config.Home;
import bestfit.config.Problems;
import bestfit.engine.ArgumentError;
import bestfit.engine.Fault;
import bestfit.engine.Simulation;
import bestfit.hardware.Inventory;
import bestfit.hardware.SmiInventory;
import bestfit.http.HttpServer;
import bestfit.node.CommandTemplate;
import bestfit.node.EngineProgram;
import bestfit.node.NodeOptions;
import bestfit.node.NodeServer;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bestfit node}: runs until it is told to end. */
@Command(
        name = "node",
        mixinStandardHelpOptions = true,
        description = "Runs a node with MLNode's management API: it starts engines and balances requests over them.")
public final class NodeCommand implements Callable<Integer> {
    private static final int LAST_PORT = 65_535;
    private static final Duration HANG_GRACE = Duration.ofMinutes(2);

    /** As MLNode's own: a large model takes up to a quarter of an hour to load. */
    private static final String START_TIMEOUT = "20m";

    @Option(names = "--host", defaultValue = "127.0.0.1", description = "Address to listen on (${DEFAULT-VALUE}).")
    private String host = "";

    @Option(
            names = "--port",
            defaultValue = "8080",
            description = "Management port; 0 takes a free one (${DEFAULT-VALUE}).")
    private int port;

    @Option(
            names = "--inference-port",
            defaultValue = "5000",
            description = "Balanced port P; engines listen on P+1, P+2, …; 0 takes free ones (${DEFAULT-VALUE}).")
    private int inferencePort;

    @Option(names = "--engine", description = "embedded or vllm; vllm when its interpreter is found, else embedded.")
    private @Nullable String engine;

    @Option(names = "--python", description = "Python with vLLM (VLLM_PYTHON_PATH, else that of the vllm on the path).")
    private @Nullable String python;

    @Option(
            names = "--engine-command",
            description =
                    "Program to start as engine, with {model} {dtype} {host} {port} {devices} {args} where wanted.")
    private @Nullable String engineCommand;

    @Option(names = "--devices", description = "Devices to share out (GPUs found, else 2 to 4 cores).")
    private @Nullable Integer devices;

    @Option(names = "--fault", description = "Fault the embedded engine shows: [LAYOUT:]KIND[:N],…")
    private @Nullable String fault;

    @Option(names = "--simulate", description = "GPUs that embedded engines simulate, such as 8x4070tis.")
    private @Nullable String simulate;

    @Option(names = "--time-scale", description = "Simulated seconds that pass in one (1).")
    private @Nullable String timeScale;

    @Option(
            names = "--when-running",
            defaultValue = "replace",
            description = "replace or refuse: what an up does while another deployment runs (${DEFAULT-VALUE}).")
    private String whenRunning = "";

    @Option(
            names = "--start-timeout",
            defaultValue = START_TIMEOUT,
            description = "For all instances to answer, such as 90s, 20m or 1h (${DEFAULT-VALUE}).")
    private String startTimeout = "";

    @Option(
            names = "--hang-grace",
            description =
                    "How long an engine with requests may make no token before it leaves the rotation; after as long "
                            + "again it is started anew; 0s for never (MLNODE_HANG_GRACE_SEC, else 2m).")
    private @Nullable String hangGrace;

    @Option(
            names = "--drain",
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
            defaultValue = "10000",
            description = "Most connections at once, for each port (${DEFAULT-VALUE}).")
    private int maxConnections;

    @Option(
            names = "--idle-timeout",
            defaultValue = "2m",
            description =
                    "A connection without a byte for so long is closed, unless it waits for an answer (${DEFAULT-VALUE}).")
    private String idleTimeout = "";

    @Option(
            names = "--request-timeout",
            defaultValue = "1m",
            description =
                    "A request that has not come whole so long after its first byte is answered 408 (${DEFAULT-VALUE}).")
    private String requestTimeout = "";

    @Override
    public Integer call() throws IOException, InterruptedException {
        var server = NodeServer.start(options(System.getenv()));
        Runtime.getRuntime().addShutdownHook(new Thread(server::close, "end of the node"));
        System.out.println(server.announcement());
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

    private NodeOptions options(Map<String, String> environment) {
        var problems = new Problems();
        requirePort(problems, "--port", port, LAST_PORT);
        requireOneOf(problems, "--when-running", whenRunning, "replace", "refuse");
        if (devices != null && (devices < 1 || devices > 1024)) {
            problems.add("--devices is " + devices + "; 1 to 1024 are allowed");
        }
        var limit = duration(problems, "--start-timeout", startTimeout);
        var drainLimit = duration(problems, "--drain", drain);
        var grace = hangGrace == null ? toldGrace(environment) : duration(problems, "--hang-grace", hangGrace);
        var limits = limits(problems);
        var attached = attached(problems);
        var program = program(problems, environment);
        problems.throwIfAny();
        int count = devices != null ? devices : simulate != null ? simulated(problems) : found(program, environment);
        requirePort(problems, "--inference-port", inferencePort, LAST_PORT - count);
        problems.throwIfAny();
        return new NodeOptions(
                host,
                port,
                inferencePort,
                program,
                count,
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
        requireRange(problems, "--max-body", maxBodyMib, 1, 2_000);
        requireRange(problems, "--max-headers", maxHeadersKib, 1, 1_024);
        requireRange(problems, "--max-connections", maxConnections, 1, 1_000_000);
        var idle = duration(problems, "--idle-timeout", idleTimeout);
        var whole = duration(problems, "--request-timeout", requestTimeout);
        if (idle.isZero() || whole.isZero()) {
            problems.add("--idle-timeout and --request-timeout are at least 1s");
        }
        return new HttpServer.Limits(
                maxBodyMib << 20, maxHeadersKib << 10, maxConnections, idle.toNanos(), whole.toNanos());
    }

    private static void requireRange(Problems problems, String flag, int value, int least, int most) {
        if (value < least || value > most) {
            problems.add(flag + " is " + value + "; " + least + " to " + most + " are allowed");
        }
    }

    private int simulated(Problems problems) {
        try {
            return Simulation.devices(Objects.requireNonNull(simulate), Objects.requireNonNullElse(timeScale, "1"));
        } catch (ArgumentError refused) {
            problems.add(Objects.requireNonNull(refused.getMessage()));
            return 1;
        }
    }

    private static int found(EngineProgram program, Map<String, String> environment) {
        int cores = Inventory.defaultCores(Runtime.getRuntime().availableProcessors());
        if (program instanceof EngineProgram.Embedded) {
            return cores;
        }
        var gpus = SmiInventory.gpus(environment);
        return gpus.isEmpty() ? cores : gpus.size();
    }

    private List<URI> attached(Problems problems) {
        var urls = new ArrayList<URI>();
        for (var text : attach) {
            if (text.matches("http://[A-Za-z0-9.-]+(:\\d{1,5})?/?")) {
                urls.add(URI.create(text));
            } else {
                problems.add("--attach " + text + " is no address of an engine; http://HOST:PORT is expected");
            }
        }
        if (!urls.isEmpty() && (engine != null || engineCommand != null || fault != null)) {
            problems.add("--attach takes engines that run already; leave out --engine, --engine-command and --fault");
        }
        return urls;
    }

    private EngineProgram program(Problems problems, Map<String, String> environment) {
        if (engine != null) {
            requireOneOf(problems, "--engine", engine, "embedded", "vllm");
        }
        if (engineCommand != null) {
            refuseFault(problems, "--engine-command");
            return new EngineProgram.Command(CommandTemplate.parse(engineCommand));
        }
        var interpreter = interpreter(problems, environment);
        if ("vllm".equals(engine) || (engine == null && interpreter.isPresent())) {
            refuseFault(problems, "vLLM");
            if (interpreter.isEmpty()) {
                problems.add("--engine vllm: no vLLM is found; give its interpreter with --python, "
                        + "or VLLM_PYTHON_PATH, or have vllm on the PATH");
            }
            return new EngineProgram.Vllm(interpreter.orElse("python3"));
        }
        if (fault != null) {
            Fault.check(fault);
        }
        return new EngineProgram.Embedded(Optional.ofNullable(fault), simulation());
    }

    private List<String> simulation() {
        var flags = new ArrayList<String>();
        if (simulate != null) {
            flags.addAll(List.of("--simulate", simulate));
        }
        if (timeScale != null) {
            flags.addAll(List.of("--time-scale", timeScale));
        }
        return flags;
    }

    private void refuseFault(Problems problems, String what) {
        if (fault != null) {
            problems.add(
                    "--fault " + fault + " is for the embedded engine, not for " + what + "; leave one of them out");
        }
    }

    private Optional<String> interpreter(Problems problems, Map<String, String> environment) {
        if (python != null && !Files.isExecutable(Path.of(python))) {
            problems.add("--python " + python + " is no program that can be run; give a Python interpreter's file");
        }
        return VllmPython.find(Optional.ofNullable(python), environment);
    }

    /** MLNode's variable, in seconds; what is no number counts as not given, as there. */
    private static Duration toldGrace(Map<String, String> environment) {
        var told = environment.getOrDefault("MLNODE_HANG_GRACE_SEC", "");
        return told.matches("-?\\d{1,9}") ? Duration.ofSeconds(Long.parseLong(told)) : HANG_GRACE;
    }

    private static void requirePort(Problems problems, String flag, int port, int last) {
        if (port < 0 || port > last) {
            problems.add(flag + " is " + port + "; 0 to " + last + " are allowed");
        }
    }

    private static void requireOneOf(Problems problems, String flag, String value, String first, String second) {
        if (!value.equals(first) && !value.equals(second)) {
            problems.add(flag + " is " + value + "; " + first + " or " + second + " is allowed");
        }
    }

    private static Duration duration(Problems problems, String flag, String text) {
        if (text.matches("\\d{1,7}[smh]")) {
            long count = Long.parseLong(text.substring(0, text.length() - 1));
            return switch (text.charAt(text.length() - 1)) {
                case 's' -> Duration.ofSeconds(count);
                case 'm' -> Duration.ofMinutes(count);
                default -> Duration.ofHours(count);
            };
        }
        problems.add(flag + " is " + text + "; a whole number with s, m or h is allowed, such as " + START_TIMEOUT);
        return Duration.ZERO;
    }
}
