package bestfit.scheduler;

import bestfit.config.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Replays recorded runs of vLLM's own schedulers and compares every decision. Exit status 1 if one differs, 2 without
 * traces.
 */
public final class TraceReplay {
    private static final int DIFFERENCES_SHOWN = 20;

    /** What became of a case. */
    public sealed interface Outcome {
        record Passed() implements Outcome {}

        /** @param reason why it is not compared */
        record Skipped(String reason) implements Outcome {}

        /** @param problem why the line cannot be read as a case */
        record Malformed(String problem) implements Outcome {}

        /** The first turn that differs: the rows as JSON, or "no row". */
        record Failed(int step, String expected, String actual) implements Outcome {}
    }

    private TraceReplay() {}

    public static void main(String[] args) {
        if (args.length != 1) {
            System.err.println("usage: scheduler-traces DIR    DIR holds trace files, *.jsonl.gz");
            System.exit(2);
        }
        List<Path> files;
        try (var entries = Files.list(Path.of(args[0]))) {
            files = entries.filter(file -> file.toString().endsWith(".jsonl.gz"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            System.err.println("cannot read the folder " + args[0] + ": " + e);
            files = List.of();
        }
        if (files.isEmpty()) {
            System.err.println("no trace files (*.jsonl.gz) in " + args[0]);
            System.exit(2);
        }
        System.exit(replayAll(files) ? 0 : 1);
    }

    private static boolean replayAll(List<Path> files) {
        int passed = 0;
        int failed = 0;
        int skipped = 0;
        for (var file : files) {
            for (var entry : replay(file).entrySet()) {
                switch (entry.getValue()) {
                    case Outcome.Passed() -> passed++;
                    case Outcome.Skipped(String reason) -> skipped++;
                    case Outcome.Malformed(String problem) -> {
                        failed++;
                        System.out.printf(
                                "%s %s: no case of a trace: %s%n", file.getFileName(), entry.getKey(), problem);
                    }
                    case Outcome.Failed(int step, String expected, String actual) -> {
                        if (failed++ < DIFFERENCES_SHOWN) {
                            System.out.printf(
                                    "%s case %s, step %d%n  vLLM  %s%n  here  %s%n",
                                    file.getFileName(), entry.getKey(), step, expected, actual);
                        }
                    }
                }
            }
        }
        System.out.printf("%d passed, %d failed, %d skipped%n", passed, failed, skipped);
        return failed == 0;
    }

    /** Replays every case of a trace file; keys are case number and kind, or the line's number where it has none. */
    public static Map<String, Outcome> replay(Path file) {
        var outcomes = new LinkedHashMap<String, Outcome>();
        int number = 0;
        try (var reader = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                replayLine(line, number, outcomes);
            }
        } catch (IOException e) {
            outcomes.put("after line " + number, new Outcome.Malformed("the file breaks off: " + e));
        }
        return outcomes;
    }

    private static void replayLine(String line, int number, Map<String, Outcome> outcomes) {
        String name = "line " + number;
        try {
            var json = Json.parse(line);
            name = json.path("case").asString("line " + number) + " "
                    + json.path("kind").asString("");
            if (outcomes.containsKey(name)) {
                name += ", line " + number;
            }
            outcomes.put(name, replayOrFail(TraceCase.read(json)));
        } catch (JacksonException e) {
            outcomes.put(name, new Outcome.Malformed(Json.problem(e)));
        } catch (RuntimeException e) { // a field is missing, or no value a config can have
            outcomes.put(name, new Outcome.Malformed(e.toString()));
        }
    }

    private static Outcome replayOrFail(TraceCase traced) {
        try {
            return replay(traced);
        } catch (RuntimeException e) { // a scheduler that breaks fails its case, not the others
            return new Outcome.Failed(-1, "a decision", e.toString());
        }
    }

    private static Outcome replay(TraceCase traced) {
        if (traced.swaps()) {
            return new Outcome.Skipped("preemption by swapping to the host is not supported");
        }
        var drive = new TraceDrive(traced);
        int turn = 0;
        for (var expected : traced.rows()) {
            int step = expected.get("step").asInt();
            for (; turn < step; turn++) {
                var row = drive.turn(turn);
                if (row != null) {
                    return new Outcome.Failed(turn, "no row", row.toString());
                }
            }
            var row = drive.turn(turn++);
            if (!expected.equals(row)) {
                return new Outcome.Failed(
                        step, differing(expected, row), row == null ? "no row" : differing(row, expected));
            }
        }
        if (traced.end().equals("done") && drive.hasWork()) {
            return new Outcome.Failed(turn, "no work left", "work left");
        }
        return new Outcome.Passed();
    }

    /** The fields of a row that another row has not got, or has otherwise. */
    private static String differing(JsonNode row, @Nullable JsonNode other) {
        var fields = Json.object();
        for (var field : row.properties()) {
            if (other == null || !field.getValue().equals(other.get(field.getKey()))) {
                fields.set(field.getKey(), field.getValue());
            }
        }
        return fields.toString();
    }
}
