package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.metrics.CompressaMetrics;
import bestfit.metrics.Definition;
import bestfit.metrics.Measurement;
import bestfit.metrics.Slo;
import bestfit.report.DefinitionTable;
import bestfit.report.RequestCsv;
import bestfit.report.VllmBenchJson;
import bestfit.store.Database;
import bestfit.store.ExperimentStore;
import bestfit.store.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Files of other tools that a run can be written as, and their definitions of its metrics. */
final class ExportOptions {
    @Option(
            names = "--save-result",
            paramLabel = "FILE",
            description = "Write the run as vllm bench serve --save-result does.")
    @Nullable
    private Path vllm;

    @Option(names = "--save-detailed", description = "With the times of each request in --save-result.")
    private boolean detailed;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write one line a request.")
    @Nullable
    private Path csv;

    @Option(
            names = "--compressa-db",
            paramLabel = "FILE",
            description = "Add the run to an SQLite database that compressa-perf reads.")
    @Nullable
    private Path compressa;

    @Option(
            names = "--definitions",
            paramLabel = "TOOL",
            description = "Also print the metrics as compressa, vllm, guidellm or aiperf defines them.")
    @Nullable
    private String definitions;

    void check(Problems problems) {
        definition(problems);
        if (detailed && vllm == null) {
            problems.add("--save-detailed: belongs to --save-result; give that with it.");
        }
        if (csv != null && csv.equals(vllm)) {
            problems.add("--csv and --save-result: \"" + csv + "\" is one file; each takes its own.");
        }
        checkWritable(problems, "--save-result", vllm);
        checkWritable(problems, "--csv", csv);
        var database = compressa;
        if (database != null) {
            try {
                Database.refuseUnusable(database, Home.of(System.getenv()));
            } catch (ConfigException wrong) {
                wrong.problems().forEach(problem -> problems.add(withOwnFlag(problem)));
            }
        }
    }

    /** What names the flag of the commands that have but one file. */
    private static String withOwnFlag(String problem) {
        return problem.replace(" --db", " --compressa-db");
    }

    /** Told before the first request, and not when the run has ended. */
    static void checkWritable(Problems problems, String flag, @Nullable Path file) {
        if (file == null) {
            return;
        }
        var folder = Objects.requireNonNullElse(file.toAbsolutePath().getParent(), file);
        if (Files.isDirectory(file) || !Files.isWritable(Files.exists(file) ? file : folder)) {
            problems.add(flag + ": \"" + file + "\" cannot be written; it takes a file in a folder that exists.");
        }
    }

    boolean any() {
        return vllm != null || csv != null || compressa != null || definitions != null;
    }

    private @Nullable Definition definition(Problems problems) {
        try {
            return definitions == null ? null : Definition.parse(definitions);
        } catch (IllegalArgumentException unknown) {
            problems.add("--definitions: " + unknown.getMessage() + ".");
            return null;
        }
    }

    /** The run by another tool's definitions; null if none was asked for. */
    @Nullable
    DefinitionTable defined(List<Measurement> measurements) {
        return definitions == null ? null : DefinitionTable.of(Definition.parse(definitions), measurements);
    }

    /** Each that can be written is, whatever becomes of the others. */
    void write(JsonNode run, List<Measurement> measurements, Optional<Slo> slo) {
        var problems = new Problems();
        if (vllm != null) {
            write(vllm, Json.write(VllmBenchJson.of(run, measurements, slo, detailed)) + "\n", problems);
        }
        if (csv != null) {
            write(csv, RequestCsv.of(measurements), problems);
        }
        if (compressa != null) {
            try {
                add(compressa, run, measurements);
            } catch (StoreException | ConfigException failed) { // though it was checked before the run
                problems.add(withOwnFlag(String.valueOf(failed.getMessage())));
            }
        }
        problems.throwIfAny();
    }

    private static void add(Path file, JsonNode run, List<Measurement> measurements) {
        try (var database = DatabaseOption.open(file)) {
            var store = new ExperimentStore(database);
            long id = store.begin("bench", null, parameters(run, measurements));
            store.sink(id).acceptAll(measurements);
            var counts = new LinkedHashMap<String, String>();
            CompressaMetrics.tokenCounts(
                            measurements.stream().map(Measurement::timing).toList())
                    .forEach((key, value) -> counts.put(key, value.toString()));
            store.finish(id, CompressaMetrics.of(measurements), counts);
        }
    }

    /** compressa-perf's rows first, then all that the run was asked for. */
    private static Map<String, String> parameters(JsonNode run, List<Measurement> measurements) {
        var rows = new LinkedHashMap<String, String>();
        rows.put("num_workers", run.path("concurrency").asString("0"));
        rows.put("num_tasks", Integer.toString(measurements.size()));
        rows.put("node_url", run.path("url").asString(""));
        rows.put("max_tokens", run.path("output_tokens").asString("0"));
        rows.put("model_name", run.path("model").asString(""));
        rows.put("no_sign", "True");
        rows.put("old_sign", "False");
        rows.put("client_architecture", "bestfit");
        run.properties()
                .forEach(entry ->
                        rows.put("bench_" + entry.getKey(), entry.getValue().asString("")));
        return rows;
    }

    private static void write(Path file, String text, Problems problems) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            problems.add("File " + file + " cannot be written (" + e.getMessage() + ").");
        }
    }
}
