package bestfit.node;

import bestfit.http.Exchange;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The last lines an instance wrote, in memory, and all of them in a file that is turned over when it grows. A file that
 * cannot be written never disturbs the instance. Thread-safe.
 */
final class InstanceLog implements AutoCloseable {
    private static final int MOST_LINES = 10_000;
    private static final int MOST_LINE_CHARS = 16_384;
    private static final long FOLLOW_MILLIS = 1_000;
    private static final long MOST_FILE_CHARS = 16 << 20;

    /** What the node's own health checks leave in an access log; it would push out all else within hours. */
    private static final Pattern OWN_CHECK = Pattern.compile("\"GET /(?:health|metrics) HTTP/1\\.1\" 200");

    private final String name;
    private final Path file;
    private final Deque<String> lines = new ArrayDeque<>();
    private long written;
    private boolean ended;
    private long fileChars;
    private @Nullable BufferedWriter writer;

    /**
     * @param name before each line on standard error, where the node's own log goes too
     * @param file created with the first line
     */
    InstanceLog(String name, Path file) {
        this.name = name;
        this.file = file;
    }

    /** Deletes the oldest files of {@code folder} beyond the newest {@code most}; what cannot be deleted stays. */
    static void prune(Path folder, int most) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (var files = Files.list(folder)) {
            var oldestFirst = files.filter(Files::isRegularFile)
                    .sorted(Comparator.comparingLong(file -> file.toFile().lastModified()))
                    .toList();
            for (int i = 0; i < oldestFirst.size() - most; i++) {
                Files.deleteIfExists(oldestFirst.get(i));
            }
        } catch (IOException kept) {
            NodeLog.warn("old logs in " + folder + " stay: " + kept.getMessage());
        }
    }

    synchronized void add(String line) {
        if (OWN_CHECK.matcher(line).find()) {
            return;
        }
        var kept = line.length() > MOST_LINE_CHARS ? line.substring(0, MOST_LINE_CHARS) + " …" : line;
        if (lines.size() == MOST_LINES) {
            lines.removeFirst();
        }
        lines.addLast(kept);
        written++;
        notifyAll();
        System.err.println(name + " | " + kept);
        write(kept);
    }

    /** A mark for {@link #since}: how many lines there were so far. */
    synchronized long mark() {
        return written;
    }

    /** Streams the last {@code count} lines and then every new one until the client leaves or the log ends. Blocks. */
    void follow(Exchange exchange, int count) throws InterruptedException {
        var left = new AtomicBoolean();
        exchange.onClientGone(() -> left.set(true));
        var body = exchange.stream(200, Map.of("Content-Type", "text/plain; charset=utf-8"));
        long seen;
        List<String> next;
        synchronized (this) {
            next = last(count);
            seen = written;
        }
        while (!left.get() && body.write(text(next))) {
            synchronized (this) {
                if (written == seen && ended) {
                    break;
                }
                if (written == seen) {
                    wait(FOLLOW_MILLIS);
                }
                next = since(seen);
                seen = written;
            }
        }
        body.end();
    }

    private static byte[] text(List<String> lines) {
        return (lines.isEmpty() ? "" : String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Lines added after the mark, as far as they are kept. */
    synchronized List<String> since(long mark) {
        return last((int) Math.min(MOST_LINES, written - mark));
    }

    synchronized List<String> last(int count) {
        int skip = Math.max(0, lines.size() - count);
        return new ArrayList<>(lines).subList(skip, lines.size());
    }

    private void write(String line) {
        try {
            var out = writer == null ? open() : writer;
            out.write(line);
            out.newLine();
            out.flush();
            fileChars += line.length() + 1;
            if (fileChars > MOST_FILE_CHARS) {
                turnOver();
            }
        } catch (IOException full) {
            closeFile();
        }
    }

    private BufferedWriter open() throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        var out = Files.newBufferedWriter(
                file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        fileChars = Files.size(file);
        writer = out;
        return out;
    }

    private void turnOver() throws IOException {
        closeFile();
        Files.move(file, file.resolveSibling(file.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public synchronized void close() {
        ended = true;
        notifyAll();
        closeFile();
    }

    private void closeFile() {
        var out = writer;
        writer = null;
        if (out != null) {
            try {
                out.close();
            } catch (IOException ignored) {
                // Nothing more can be done for this file; the lines in memory stay.
            }
        }
    }
}
