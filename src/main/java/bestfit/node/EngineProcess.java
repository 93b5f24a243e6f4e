package bestfit.node;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One engine as the operating system sees it: a process and all that it started. Thread-safe. */
final class EngineProcess {
    /** vLLM needs up to 3.5 s to end its workers after an interrupt; longer means it does not want to. */
    private static final Duration INTERRUPT_PATIENCE = Duration.ofSeconds(6);

    private static final Duration TERM_PATIENCE = Duration.ofSeconds(5);
    private static final Duration KILL_PATIENCE = Duration.ofSeconds(5);
    private static final Duration ORPHAN_PATIENCE = Duration.ofSeconds(2);
    private static final long POLL_MILLIS = 20;

    private final Process process;
    private final Launch launch;
    private final Thread logReader;
    private final long startTicks;

    /** Descendants that left the engine's session, seen before their parents ended: nothing of the engine leads to them afterwards. */
    private final Set<ProcessTable.Entry> strays = ConcurrentHashMap.newKeySet();

    private EngineProcess(Process process, Launch launch, Thread logReader) {
        this.process = process;
        this.launch = launch;
        this.logReader = logReader;
        this.startTicks = ProcessTable.find(process.pid())
                .map(ProcessTable.Entry::startTicks)
                .orElse(0L);
    }

    /** @throws IOException if the operating system refuses to run it */
    static EngineProcess start(Launch launch, InstanceLog log) throws IOException {
        var builder = new ProcessBuilder(launch.command()).redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(launch.environment());
        if (!launch.parentPipe()) {
            builder.redirectInput(new File("/dev/null"));
        }
        var process = builder.start();
        // A platform thread: a virtual one would hold a carrier during each read.
        var reader =
                Thread.ofPlatform().daemon().name("log of " + process.pid()).start(() -> copy(process, log));
        return new EngineProcess(process, launch, reader);
    }

    private static void copy(Process process, InstanceLog log) {
        try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                log.add(line);
            }
        } catch (IOException closed) {
            // The process ended; what it wrote before was read.
        }
    }

    long pid() {
        return process.pid();
    }

    long startTicks() {
        return startTicks;
    }

    boolean alive() {
        return process.isAlive();
    }

    /** True once the process ended and its last lines were read, within {@code patience}. */
    boolean ended(Duration patience) throws InterruptedException {
        if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
            return false;
        }
        // A grandchild may hold the pipe open for long: do not wait for the pipe's end.
        logReader.join(Duration.ofMillis(500));
        return true;
    }

    /** Exit code of an ended process; 128 + n when ended by signal n. */
    int exitCode() {
        return process.exitValue();
    }

    /**
     * Ends the process and everything it started: interrupt if it knows that, terminate, kill, each with a bounded wait.
     *
     * @return false if something is still there after all of it (a process stuck in the kernel)
     */
    boolean stop() {
        closeInput();
        boolean interrupted = launch.politely() == Signal.INT && signalled(Signal.INT, INTERRUPT_PATIENCE);
        return interrupted || signalled(Signal.TERM, TERM_PATIENCE) || signalled(Signal.KILL, KILL_PATIENCE);
    }

    /** Ends at once what an engine left that died by itself. */
    boolean sweep() {
        boolean gone = gone() || signalled(Signal.KILL, KILL_PATIENCE);
        // Not before: the embedded engine would end its requests politely at the end of its input, as if they were
        // done.
        closeInput();
        return gone;
    }

    private boolean signalled(Signal signal, Duration patience) {
        rememberStrays();
        if (gone()) {
            return true;
        }
        // Right after the start the process may not lead a group yet.
        if (!(launch.ownSession() && signal.toGroup(pid())) && process.isAlive()) {
            process.descendants().forEach(child -> signal.toProcess(child.pid()));
            signal.toProcess(pid());
        }
        // vLLM ends what it started by itself if it can; nobody else asks those that left the session.
        switch (signal) {
            case INT -> {}
            case TERM -> outside().forEach(stray -> signal.toProcess(stray.pid()));
            case KILL -> members().forEach(member -> signal.toProcess(member.pid()));
        }
        // Children that outlive their leader for long will not end by being asked again.
        await(() -> gone() || !process.isAlive(), patience);
        return !process.isAlive() && await(this::gone, ORPHAN_PATIENCE);
    }

    private boolean gone() {
        return !process.isAlive() && members().isEmpty();
    }

    private List<ProcessTable.Entry> members() {
        var members = new ArrayList<>(outside());
        if (launch.ownSession()) {
            members.addAll(ProcessTable.session(pid()));
        }
        return members;
    }

    /** Those that left the session: known by the instance's mark, or remembered, since a process can write over its environment. */
    private Set<ProcessTable.Entry> outside() {
        var outside = new HashSet<ProcessTable.Entry>();
        @Nullable String id = launch.environment().get(EngineCommandLine.INSTANCE_ID);
        if (id != null) {
            outside.addAll(ProcessTable.withEnvironment(EngineCommandLine.INSTANCE_ID + "=" + id));
        }
        strays.stream().filter(ProcessTable.Entry::isRunning).forEach(outside::add);
        outside.removeIf(entry -> entry.session() == pid() || entry.pid() == pid());
        return outside;
    }

    private void rememberStrays() {
        Stream.concat(process.descendants(), outside().stream().flatMap(EngineProcess::descendants))
                .flatMap(each -> ProcessTable.find(each.pid()).stream())
                .filter(entry -> entry.session() != pid())
                .forEach(strays::add);
    }

    private static Stream<ProcessHandle> descendants(ProcessTable.Entry entry) {
        return ProcessHandle.of(entry.pid()).stream().flatMap(ProcessHandle::descendants);
    }

    private void closeInput() {
        try {
            process.getOutputStream().close();
        } catch (IOException alreadyGone) {
            // Its reader is gone, which is what closing is for.
        }
    }

    static boolean await(BooleanSupplier condition, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException stopFaster) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return condition.getAsBoolean();
    }
}
