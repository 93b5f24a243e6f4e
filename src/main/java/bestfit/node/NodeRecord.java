package bestfit.node;

import bestfit.config.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A file that says which node started which engines, so that a later node can end what a killed one left. Processes are
 * named by pid and start time within one boot, so nothing else is ever ended. Thread-safe.
 */
final class NodeRecord implements AutoCloseable {
    private final Path file;
    private final String nodeId;
    private final Map<Long, Long> engines = new LinkedHashMap<>();

    private NodeRecord(Path file, String nodeId) {
        this.file = file;
        this.nodeId = nodeId;
    }

    /** Begins the record of this process, before any engine is started. */
    static NodeRecord open(Path folder, String nodeId) throws IOException {
        Files.createDirectories(folder);
        var record = new NodeRecord(folder.resolve(nodeId + ".json"), nodeId);
        record.write();
        return record;
    }

    synchronized void started(EngineProcess engine) {
        engines.put(engine.pid(), engine.startTicks());
        rewrite();
    }

    synchronized void ended(EngineProcess engine) {
        engines.remove(engine.pid());
        rewrite();
    }

    /** A record that is behind still names the node, whose mark every engine carries. */
    private void rewrite() {
        try {
            write();
        } catch (IOException full) {
            NodeLog.warn("cannot write " + file + ": " + full.getMessage());
        }
    }

    /** Ends the record of a node that stopped all its engines. */
    @Override
    public void close() throws IOException {
        Files.deleteIfExists(file);
    }

    private synchronized void write() throws IOException {
        long self = ProcessHandle.current().pid();
        var json = Json.object().put("boot", ProcessTable.bootId()).put("node_id", nodeId);
        json.put("pid", self)
                .put(
                        "start_ticks",
                        ProcessTable.find(self)
                                .map(ProcessTable.Entry::startTicks)
                                .orElse(0L));
        var list = json.putArray("engines");
        engines.forEach((pid, ticks) -> list.addObject().put("pid", pid).put("start_ticks", ticks));
        var fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, Json.write(json));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Ends the engines of every recorded node that is dead, and says so. */
    static void endLeftovers(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (var files = Files.newDirectoryStream(folder, "*.json")) {
            for (var file : files) {
                try {
                    endLeftovers(Json.parse(Files.readString(file)), file);
                } catch (JacksonException broken) {
                    NodeLog.warn("the record " + file + " cannot be read: " + broken.getOriginalMessage()
                            + "; delete it when no node runs");
                }
            }
        }
    }

    private static void endLeftovers(JsonNode record, Path file) throws IOException {
        boolean sameBoot = record.path("boot").asString("").equals(ProcessTable.bootId());
        if (sameBoot && isRunning(record)) {
            return;
        }
        var left = sameBoot ? leftovers(record) : List.<ProcessTable.Entry>of();
        if (!left.isEmpty()) {
            NodeLog.info("ending what node " + record.path("pid").asLong(0) + " left when it was killed: "
                    + left.stream().map(entry -> Long.toString(entry.pid())).toList());
            left.forEach(entry -> signal(Signal.TERM, entry));
            EngineProcess.await(() -> left.stream().noneMatch(ProcessTable.Entry::isRunning), Duration.ofSeconds(5));
            left.forEach(entry -> signal(Signal.KILL, entry));
            EngineProcess.await(() -> left.stream().noneMatch(ProcessTable.Entry::isRunning), Duration.ofSeconds(5));
        }
        Files.deleteIfExists(file);
    }

    /** The recorded engines, what lives on in their sessions, and what carries the dead node's mark. */
    private static List<ProcessTable.Entry> leftovers(JsonNode record) {
        var left = new LinkedHashMap<Long, ProcessTable.Entry>();
        for (var engine : record.path("engines")) {
            long pid = engine.path("pid").asLong(0);
            long ticks = engine.path("start_ticks").asLong(0);
            var now = ProcessTable.find(pid);
            // Another process with this number means that the session ended: the kernel keeps a session's number from
            // reuse.
            if (pid > 1 && (now.isEmpty() || now.get().startTicks() == ticks)) {
                now.ifPresent(entry -> left.put(pid, entry));
                ProcessTable.session(pid).stream()
                        .filter(entry -> entry.startTicks() >= ticks)
                        .forEach(entry -> left.put(entry.pid(), entry));
            }
        }
        var mark = EngineCommandLine.NODE_ID + "=" + record.path("node_id").asString("?");
        ProcessTable.withEnvironment(mark).forEach(entry -> left.put(entry.pid(), entry));
        left.remove(ProcessHandle.current().pid());
        return new ArrayList<>(left.values());
    }

    private static boolean isRunning(JsonNode record) {
        return ProcessTable.find(record.path("pid").asLong(0))
                .filter(entry ->
                        entry.startTicks() == record.path("start_ticks").asLong(0))
                .isPresent();
    }

    private static void signal(Signal signal, ProcessTable.Entry entry) {
        if (entry.isRunning()) {
            signal.toProcess(entry.pid());
        }
    }
}
