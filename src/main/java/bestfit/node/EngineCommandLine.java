package bestfit.node;

import bestfit.hardware.VisibleGpus;
import bestfit.mlnode.UpRequest;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Builds the command line and environment of an engine. The only place that knows how each kind of engine is started.
 *
 * @param parent environment of this process
 * @param nodeId value of {@link #NODE_ID} in the engine's environment, by which a later node finds what this one left
 */
record EngineCommandLine(EngineProgram program, Map<String, String> parent, String nodeId) {
    /** Marks every process that a node started. */
    static final String NODE_ID = "BESTFIT_NODE_ID";

    /** Marks every process of one instance, those too that make themselves a session of their own, as Ray's do. */
    static final String INSTANCE_ID = "BESTFIT_INSTANCE_ID";

    /** Tells a child of ours to end at the end of its standard input. */
    static final String PARENT_PIPE = "BESTFIT_PARENT_PIPE";

    /** An AOT cache for the embedded engine's JVM, as environment variable or system property. */
    private static final String AOT_CACHE = "BESTFIT_ENGINE_AOT";

    private static final String LOOPBACK = "127.0.0.1";

    /**
     * Cores of each worker in vLLM's CPU build; builds for GPUs do not read it. Left alone, two instances take the same
     * cores, and a layout of several workers does not start on a machine with one NUMA node.
     */
    private static final String CPU_BINDING = "VLLM_CPU_OMP_THREADS_BIND";

    Launch launch(UpRequest request, int port, List<String> devices) {
        var command = new ArrayList<String>();
        boolean ownSession = onPath("setsid").isPresent();
        if (ownSession) {
            // Execs in place: the pid stays, and becomes that of the session and of the process group.
            command.add("setsid");
        }
        boolean embedded = program instanceof EngineProgram.Embedded;
        if (embedded) {
            command.addAll(binding(devices));
        }
        command.addAll(
                switch (program) {
                    case EngineProgram.Embedded own -> embedded(request, port, own);
                    case EngineProgram.Vllm(var python) -> vllm(request, port, python);
                    case EngineProgram.Command(var template) ->
                        template.fill(
                                request.model(), request.dtype(), LOOPBACK, port, devices, request.additionalArgs());
                });
        var politely = program instanceof EngineProgram.Vllm ? Signal.INT : Signal.TERM;
        return new Launch(command, environment(devices, embedded), ownSession, embedded, politely);
    }

    private static List<String> vllm(UpRequest request, int port, String python) {
        var command = new ArrayList<>(List.of(python, "-m", "vllm.entrypoints.openai.api_server"));
        command.addAll(flags(request, port));
        return command;
    }

    private List<String> embedded(UpRequest request, int port, EngineProgram.Embedded own) {
        var command = new ArrayList<String>();
        command.add(ProcessHandle.current()
                .info()
                .command()
                .orElse(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        // The JVM's own complaints would otherwise go to standard output. An AOT cache fits only the flags it was made
        // with.
        command.addAll(
                List.of("-Xlog:disable", "-Xlog:all=error:stderr", "-XX:+UseSerialGC", "-XX:+UseTransparentHugePages"));
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(List.of("-Dio.netty.jfr.enabled=false", "--add-modules", "jdk.incubator.vector"));
        command.add("-Djava.library.path=" + System.getProperty("java.library.path"));
        if (!own.simulation().isEmpty()) {
            command.addAll(List.of("-Xmn8m", "-XX:TieredStopAtLevel=1")); // as the launcher does
        }
        Optional.ofNullable(System.getProperty(AOT_CACHE, parent.get(AOT_CACHE)))
                .filter(file -> Files.isReadable(Path.of(file)))
                .ifPresent(file -> command.add("-XX:AOTCache=" + file));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "bestfit.cli.Main", "engine"));
        command.addAll(own.simulation());
        own.fault().ifPresent(spec -> command.addAll(List.of("--fault", spec)));
        command.addAll(flags(request, port));
        return command;
    }

    private static List<String> flags(UpRequest request, int port) {
        return VllmFlags.of(request.model(), request.dtype(), LOOPBACK, port, request.additionalArgs());
    }

    private Map<String, String> environment(List<String> devices, boolean embedded) {
        var environment = ChildEnvironment.of(parent);
        environment.remove(PARENT_PIPE);
        environment.put(NODE_ID, nodeId);
        environment.put(INSTANCE_ID, UUID.randomUUID().toString());
        environment.put(VisibleGpus.VARIABLE, String.join(",", devices));
        if (embedded) {
            environment.put(PARENT_PIPE, "1");
        } else {
            environment.put("VLLM_NO_USAGE_STATS", "1");
            // Log lines come as they are written, not when a buffer is full.
            environment.put("PYTHONUNBUFFERED", "1");
            cores(devices).ifPresent(cores -> environment.putIfAbsent(CPU_BINDING, String.join("|", cores)));
        }
        return environment;
    }

    private List<String> binding(List<String> devices) {
        return cores(devices)
                .filter(cores -> onPath("taskset").isPresent())
                .map(cores -> List.of("taskset", "-c", String.join(",", cores)))
                .orElse(List.of());
    }

    /** Device k is the k-th core this process may use; empty unless all of the instance's exist, and for GPUs by UUID. */
    private static Optional<List<String>> cores(List<String> devices) {
        var cores = allowedCores();
        var bound = devices.stream()
                .filter(device -> device.matches("\\d{1,4}") && Integer.parseInt(device) < cores.size())
                .map(device -> cores.get(Integer.parseInt(device)).toString())
                .toList();
        return bound.size() == devices.size() ? Optional.of(bound) : Optional.empty();
    }

    private static List<Integer> allowedCores() {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            var prefix = "Cpus_allowed_list:";
            return lines.filter(line -> line.startsWith(prefix))
                    .findFirst()
                    .map(line -> cores(line.substring(prefix.length()).strip()))
                    .orElse(List.of());
        } catch (IOException notLinux) {
            return List.of();
        }
    }

    /** Reads {@code 0-3,8}. */
    private static List<Integer> cores(String list) {
        var cores = new BitSet();
        for (var range : list.split(",", -1)) {
            var ends = range.split("-", -1);
            cores.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
        }
        return cores.stream().boxed().toList();
    }

    /** The program's file, if {@code name} is a path to one or found on the path. */
    Optional<Path> onPath(String name) {
        var candidates = name.contains("/")
                ? Stream.of(Path.of(name))
                : Stream.of(parent.getOrDefault("PATH", "/usr/bin:/bin").split(File.pathSeparator, -1))
                        .map(folder -> Path.of(folder, name));
        return candidates.filter(Files::isExecutable).findFirst();
    }
}
