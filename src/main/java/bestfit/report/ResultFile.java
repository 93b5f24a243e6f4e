package bestfit.report;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Unreadable;
import bestfit.load.EventLog;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Measurement;
import bestfit.metrics.Proportion;
import bestfit.store.Database;
import bestfit.store.ExperimentStore;
import bestfit.store.StoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;

/**
 * A load generator's result as a file: what {@code bestfit bench --json} printed, its events, an experiment in an SQLite
 * database of bestfit or compressa-perf, or the JSON of {@code vllm bench serve --save-result}, guidellm or aiperf.
 *
 * @param source file, and experiment where it holds several
 * @param figures by our names, in milliseconds and per second. A tool that counts an empty first delta as the first token
 *     gives {@code first_response_ms} and no {@code ttft_ms}
 * @param failures of all requests; no time tells of them
 * @param invalid why the tool itself calls the run INVALID; empty where it does not
 */
public record ResultFile(
        String source, Tool tool, SequencedMap<String, Figure> figures, Proportion failures, List<String> invalid) {
    ResultFile(String source, Tool tool, SequencedMap<String, Figure> figures, Proportion failures) {
        this(source, tool, figures, failures, List.of());
    }

    private static final byte[] SQLITE = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);

    /** Who measured. */
    public enum Tool {
        BESTFIT,
        VLLM,
        GUIDELLM,
        AIPERF,
        COMPRESSA,
        /** Another, in the plain form {@code {"ttft": {"mean": …, "p50": …, "p99": …}, "tpot": …, "e2e": …}}. */
        OTHER;

        public String label() {
            return switch (this) {
                case BESTFIT -> "bestfit";
                case VLLM -> "vllm bench serve";
                case GUIDELLM -> "guidellm";
                case AIPERF -> "aiperf";
                case COMPRESSA -> "compressa-perf";
                case OTHER -> "another tool";
            };
        }
    }

    /**
     * Reads a file.
     *
     * @param name of the file; {@code file.sqlite#3} takes experiment 3 of a database, without number the newest
     * @param home where SQLite's native library is unpacked
     * @throws ConfigException if it is no result that is known, or one without two successes and without a failure
     */
    public static ResultFile read(String name, Path home) {
        int mark = name.lastIndexOf('#');
        var whole = Path.of(name);
        boolean numbered = mark > 0 && !Files.exists(whole);
        var file = numbered ? Path.of(name.substring(0, mark)) : whole;
        try {
            if (Files.isRegularFile(file) && isSqlite(file)) {
                return ofDatabase(file, numbered ? name.substring(mark + 1) : "", home);
            }
            if (numbered && Files.exists(file)) {
                throw new ConfigException(name + ": " + file + " is no database; without " + name.substring(mark)
                        + " it is read as a result.");
            }
            var result = ofText(file);
            if (!result.figures().isEmpty() || result.failures().count() > 0) {
                return result;
            }
        } catch (StoreException broken) {
            throw new ConfigException("Database " + file + " cannot be read: "
                    + Objects.requireNonNull(broken.getCause()).getMessage());
        } catch (IOException e) {
            throw new ConfigException("File " + file + " cannot be read: " + Unreadable.why(file, e) + ".");
        } catch (JacksonException notJson) {
            throw unknown(file);
        }
        throw unknown(file);
    }

    private static ConfigException unknown(Path file) {
        return new ConfigException(
                "File " + file
                        + " is no result with at least two successes: it takes what bench --json printed, an events file,"
                        + " a database of bestfit or compressa-perf, or the JSON of vllm bench serve --save-result, guidellm or aiperf.");
    }

    private static boolean isSqlite(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(SQLITE.length), SQLITE);
        }
    }

    private static ResultFile ofText(Path file) throws IOException {
        var lines = Files.readAllLines(file).stream()
                .filter(line -> !line.isBlank())
                .toList();
        if (!lines.isEmpty() && lines.getFirst().startsWith("{\"bestfit_events\"")) {
            return of(file.toString(), Tool.BESTFIT, EventLog.read(file).measurements());
        }
        if (lines.isEmpty()) {
            throw unknown(file);
        }
        // progress or other output may stand before the object
        var json = Json.parse(
                lines.size() > 1
                                && lines.getLast().startsWith("{")
                                && lines.getLast().endsWith("}")
                        ? lines.getLast()
                        : String.join("\n", lines));
        try {
            return whole(PeerResults.read(file, json));
        } catch (ConfigException problem) {
            throw new ConfigException("File " + file + ": " + problem.getMessage());
        }
    }

    /** What nobody measures shows that the file is damaged, or of another kind. */
    private static ResultFile whole(ResultFile result) {
        result.figures().forEach((name, figure) -> {
            if (figure.estimate().mean() < 0 || figure.estimate().standardError() < 0) {
                throw new ConfigException(
                        "it is damaged: " + name + " is below 0, or its interval ends before it begins.");
            }
        });
        return result;
    }

    private static ResultFile ofDatabase(Path file, String number, Path home) {
        try (var database = Database.openToRead(file, home)) {
            var store = new ExperimentStore(database);
            var wanted = store.all().stream()
                    .filter(e -> number.isEmpty() || Long.toString(e.id()).equals(number))
                    .findFirst()
                    .orElseThrow(() -> new ConfigException("Database " + file + " has no experiment "
                            + (number.isEmpty() ? "" : "\"" + number + "\"; bestfit list shows those that it has.")));
            var raw = store.measurements(wanted.id()).stream()
                    .filter(m -> m.block() >= 0)
                    .toList();
            if (!raw.isEmpty()) {
                return of(file + "#" + wanted.id(), Tool.BESTFIT, raw);
            }
            // what another tool recorded, with its first token as both of ours
            var timings =
                    store.timings(wanted.id()).stream().map(Measurement::of).toList();
            return of(file + "#" + wanted.id(), Tool.COMPRESSA, timings);
        }
    }

    /** The TTFT of vllm and compressa-perf is our first response. */
    static ResultFile of(String source, Tool tool, List<Measurement> measurements) {
        var figures = Figure.of(BenchMetrics.of(measurements));
        if (tool == Tool.VLLM || tool == Tool.COMPRESSA) {
            figures.remove("ttft_ms");
        }
        return new ResultFile(source, tool, figures, Proportion.failed(measurements));
    }
}
