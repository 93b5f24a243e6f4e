package bestfit.load;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Unreadable;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A file of raw events: a line that tells the run, then a line for each request as it ends. What was written when the
 * process is killed stays readable; a line that was cut is left out. docs/how-to/bench.md tells the format.
 */
public final class EventLog implements MeasurementSink, AutoCloseable {
    private static final String VERSION = "bestfit_events";

    private final Path file;
    private final FileChannel out;

    private EventLog(Path file, FileChannel out) {
        this.file = file;
        this.out = out;
    }

    /** What a file holds. */
    public record Contents(JsonNode run, List<Measurement> measurements) {}

    /** Whether a file holds a whole first line at least; it is missing or lacks it if the run was killed before. */
    public static boolean isBegun(Path file) {
        try (var lines = Files.newInputStream(file)) {
            int next = lines.read();
            while (next >= 0 && next != '\n') {
                next = lines.read();
            }
            return next == '\n';
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw cannot("read", file, e);
        }
    }

    /**
     * Begins a file in place of one that is there.
     *
     * @param run what tells the run apart from another
     * @throws ConfigException if it cannot be written
     */
    public static EventLog create(Path file, JsonNode run) {
        try {
            var log = new EventLog(
                    file,
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.TRUNCATE_EXISTING,
                            StandardOpenOption.WRITE));
            log.write(Json.write(Json.object().put(VERSION, 1).set("run", run)) + "\n");
            return log;
        } catch (IOException e) {
            throw cannot("written", file, e);
        }
    }

    /**
     * Moves a file that holds anything to its name with a number, so that nothing that was measured is lost because a command was
     * given twice.
     *
     * @return where it is now; empty if there was none
     * @throws ConfigException if it cannot be moved
     */
    public static Optional<Path> setAside(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) == 0) {
                return Optional.empty();
            }
            int number = 1;
            while (Files.exists(numbered(file, number))) {
                number++;
            }
            return Optional.of(Files.move(file, numbered(file, number)));
        } catch (IOException e) {
            throw cannot("moved", file, e);
        }
    }

    private static Path numbered(Path file, int number) {
        return file.resolveSibling(file.getFileName() + "." + number);
    }

    /** Goes on with a file; a line that was cut is dropped first. */
    public static EventLog append(Path file) {
        try {
            var bytes = Files.readAllBytes(file);
            int whole = bytes.length;
            while (whole > 0 && bytes[whole - 1] != '\n') {
                whole--;
            }
            var out = FileChannel.open(file, StandardOpenOption.WRITE).truncate(whole);
            out.position(whole);
            return new EventLog(file, out);
        } catch (IOException e) {
            throw cannot("written", file, e);
        }
    }

    /**
     * Reads a file; times are nanoseconds of the wall clock. Of a request that is there twice, since its conversation was begun
     * anew after an interruption, the later one holds.
     *
     * @throws ConfigException if it is none
     */
    public static Contents read(Path file) {
        try {
            var text = Files.readString(file);
            var lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
            var head = lines.isEmpty() ? Json.object() : Json.parse(lines.getFirst());
            if (!head.has(VERSION)) {
                throw new ConfigException(file + " is no events file of bestfit bench.");
            }
            var measurements = new LinkedHashMap<Integer, Measurement>();
            for (int line = 1; line < lines.size(); line++) {
                var measurement = parse(file, line + 1, lines.get(line));
                measurements.put(measurement.index(), measurement);
            }
            return new Contents(head.path("run"), List.copyOf(measurements.values()));
        } catch (IOException e) {
            throw new ConfigException("Events file " + file + " cannot be read: " + Unreadable.why(file, e) + ".");
        } catch (JacksonException e) {
            throw new ConfigException(file + " is no events file of bestfit bench.");
        }
    }

    private static Measurement parse(Path file, int number, String line) {
        try {
            return parse(Json.parse(line));
        } catch (JacksonException | IllegalArgumentException damaged) {
            throw new ConfigException("Events file " + file + ": line " + number
                    + " is damaged; without that line the rest can be read.");
        }
    }

    private static ConfigException cannot(String what, Path file, Exception e) {
        return new ConfigException("Events file " + file + " cannot be " + what + " ("
                + e.getClass().getSimpleName() + ": " + e.getMessage() + ").");
    }

    @Override
    public void acceptAll(List<Measurement> measurements) {
        var text = new StringBuilder(1024 * measurements.size());
        measurements.forEach(m -> append(text, m));
        try {
            write(text.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Events file " + file + " cannot be written (" + e.getMessage()
                            + "). What it holds is kept: make room for it and give the same command with --resume.",
                    e);
        }
    }

    private void write(String text) throws IOException {
        var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static void append(StringBuilder text, Measurement m) {
        text.append("{\"i\":").append(m.index()).append(",\"at_us\":").append(m.startedAtEpochMicros());
        field(text, "queued_ns", m.startNanos() - m.intendedNanos());
        time(text, "sent_ns", m.sentNanos(), m);
        time(text, "response_ns", m.firstContentNanos(), m);
        time(text, "first_ns", m.firstTokenNanos(), m);
        if (m.firstAnswerNanos() != m.firstTokenNanos()) {
            time(text, "answer_ns", m.firstAnswerNanos(), m);
        }
        time(text, "last_ns", m.lastTokenNanos(), m);
        time(text, "end_ns", m.endNanos(), m);
        field(text, "in", m.inputTokens());
        field(text, "out", m.outputTokens());
        var failure = m.failure();
        if (failure != null) {
            text.append(",\"failure\":").append(Json.write(failure));
        }
        text.append(",\"chunks\":\"")
                .append(Base64.getEncoder().encodeToString(m.chunks().toBytes()))
                .append('"');
        if (m.chunks().tellsTokens()) {
            text.append(",\"chunk_tokens\":")
                    .append(Arrays.toString(m.chunks().tokens()).replace(" ", ""));
        }
        text.append("}\n");
    }

    private static void time(StringBuilder text, String name, long nanos, Measurement m) {
        if (nanos != NEVER) {
            field(text, name, nanos - m.startNanos());
        }
    }

    private static void field(StringBuilder text, String name, long value) {
        text.append(",\"").append(name).append("\":").append(value);
    }

    private static Measurement parse(JsonNode line) {
        long start = line.path("at_us").longValue() * 1000;
        var failure = line.get("failure");
        return new Measurement(
                line.path("i").intValue(),
                0,
                start - line.path("queued_ns").longValue(),
                start,
                time(line, "sent_ns", start),
                time(line, "response_ns", start),
                time(line, "first_ns", start),
                line.has("answer_ns") ? time(line, "answer_ns", start) : time(line, "first_ns", start),
                time(line, "last_ns", start),
                time(line, "end_ns", start),
                line.path("in").intValue(),
                line.path("out").intValue(),
                failure == null ? null : failure.stringValue(),
                start / 1000,
                ChunkTimes.fromBytes(
                                Base64.getDecoder().decode(line.path("chunks").stringValue("")))
                        .withTokens(line.path("chunk_tokens")
                                .valueStream()
                                .mapToInt(JsonNode::asInt)
                                .toArray()));
    }

    private static long time(JsonNode line, String name, long start) {
        return line.has(name) ? start + line.get(name).longValue() : NEVER;
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new UncheckedIOException("Events file " + file + " cannot be closed", e);
        }
    }
}
