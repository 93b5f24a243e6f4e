package bestfit.deploy;

import bestfit.config.Json;
import bestfit.hardware.SmiInventory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JacksonException;

/**
 * A node that this process started for itself. It ends, with its engines, when its standard input ends: by
 * {@link #close}, or because this process died in whatever way.
 */
public final class OwnNode implements AutoCloseable {
    private static final int END_PATIENCE_SECONDS = 25;

    private final Process process;
    private final NodeAddress address;

    private OwnNode(Process process, NodeAddress address) {
        this.process = process;
        this.address = address;
    }

    /**
     * Starts it and waits until it listens.
     *
     * @param command the whole command line of {@code bestfit node}
     * @param environment of the child, without secrets
     * @param log takes its standard error
     * @throws IOException with the end of its log if it does not come up
     */
    public static OwnNode start(List<String> command, Map<String, String> environment, Path log) throws IOException {
        var folder = log.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        var builder = new ProcessBuilder(ownSession(command, environment)).redirectError(log.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.environment().put("BESTFIT_PARENT_PIPE", "1");
        var process = builder.start();
        var output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        var line = output.readLine();
        if (line == null) {
            end(process);
            throw new IOException("the node ended at its start: " + tail(log));
        }
        try {
            var json = Json.parse(line);
            return new OwnNode(
                    process,
                    new NodeAddress(
                            json.path("management").asString(""),
                            json.path("inference").asString("")));
        } catch (JacksonException e) {
            end(process);
            throw new IOException("the node's first line is not its addresses: " + line, e);
        }
    }

    /** Out of the terminal's reach: its Ctrl-C is for this process, which still needs the node then. */
    private static List<String> ownSession(List<String> command, Map<String, String> environment) {
        if (SmiInventory.onPath("setsid", environment).isEmpty()) {
            return command;
        }
        var all = new ArrayList<>(List.of("setsid"));
        all.addAll(command);
        return all;
    }

    private static String tail(Path log) throws IOException {
        var lines = Files.readAllLines(log);
        return lines.isEmpty()
                ? "it wrote nothing"
                : String.join(" | ", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
    }

    public NodeAddress address() {
        return address;
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    @Override
    public void close() {
        end(process);
    }

    private static void end(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // It is gone already, which closing is to bring about.
        }
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(END_PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
