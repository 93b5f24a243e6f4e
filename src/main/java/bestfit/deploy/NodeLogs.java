package bestfit.deploy;

import bestfit.args.ArgsText;
import bestfit.config.ConfigException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a node's log can be read, for nodes that tell nothing of their engines' ends: what was written since the last
 * {@link #mark}. Thread-safe.
 */
public sealed interface NodeLogs extends AutoCloseable {
    /** Lines kept of what a program prints. */
    int MOST_LINES = 10_000;

    /** From here on. */
    void mark() throws IOException;

    /** Lines since the mark, oldest first; the last {@link #MOST_LINES} of them. */
    List<String> lines() throws IOException;

    @Override
    void close();

    /**
     * A file, or a command line such as {@code docker logs -f NAME} that prints the log; no shell takes part.
     *
     * @throws ConfigException if it is neither a readable file nor a program that starts
     */
    static NodeLogs open(String fileOrCommand) {
        var words = ArgsText.words("--node-logs", fileOrCommand);
        if (words.isEmpty()) {
            throw new ConfigException("--node-logs is empty; give a file, or a command such as 'docker logs -f NAME'");
        }
        var file = Path.of(fileOrCommand);
        if (Files.isRegularFile(file)) {
            return new OfFile(file);
        }
        if (words.size() == 1) {
            throw new ConfigException(
                    "--node-logs " + fileOrCommand + ": no such file; give the file of the node's log, "
                            + "or a command that prints it, such as 'docker logs -f NAME'");
        }
        try {
            return OfCommand.start(words);
        } catch (IOException e) {
            throw new ConfigException("--node-logs " + fileOrCommand + " cannot be run: " + e.getMessage());
        }
    }

    /** A file that grows, or is begun anew when it is rotated. */
    final class OfFile implements NodeLogs {
        private static final int MOST_BYTES = 4 << 20;

        private final Path file;
        private long from;

        OfFile(Path file) {
            this.file = file;
        }

        @Override
        public synchronized void mark() throws IOException {
            from = Files.size(file);
        }

        @Override
        public synchronized List<String> lines() throws IOException {
            try (var in = new RandomAccessFile(file.toFile(), "r")) {
                long size = in.length();
                long start = Math.max(size < from ? 0 : from, size - MOST_BYTES);
                var bytes = new byte[(int) (size - start)];
                in.seek(start);
                in.readFully(bytes);
                var lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
                return lines.subList(Math.max(0, lines.size() - MOST_LINES), lines.size());
            }
        }

        @Override
        public void close() {}
    }

    /** What a program prints, to either stream. */
    final class OfCommand implements NodeLogs {
        private final Process process;
        private final ArrayDeque<String> lines = new ArrayDeque<>();

        private OfCommand(Process process) {
            this.process = process;
        }

        static OfCommand start(List<String> words) throws IOException {
            var process = new ProcessBuilder(words).redirectErrorStream(true).start();
            process.getOutputStream().close();
            var logs = new OfCommand(process);
            Thread.ofVirtual().name("node-logs").start(logs::follow);
            return logs;
        }

        private void follow() {
            try (var in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (var line = in.readLine(); line != null; line = in.readLine()) {
                    add(line);
                }
            } catch (IOException ended) {
                // By close, or because the program ended; what was read stays.
            }
        }

        private synchronized void add(String line) {
            lines.addLast(line);
            if (lines.size() > MOST_LINES) {
                lines.removeFirst();
            }
        }

        @Override
        public synchronized void mark() {
            lines.clear();
        }

        @Override
        public synchronized List<String> lines() {
            return new ArrayList<>(lines);
        }

        @Override
        public void close() {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
    }
}
