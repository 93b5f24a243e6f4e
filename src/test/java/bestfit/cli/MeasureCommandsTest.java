package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import bestfit.config.Json;
import bestfit.load.FakeEngine;
import bestfit.metrics.CompressaMetrics;
import bestfit.store.Database;
import bestfit.store.ExperimentStore;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands as processes of their own, in a folder and a home of their own. */
@Tag("slow")
class MeasureCommandsTest {
    private static final String EXPERIMENT = """
            - model_name: m
              experiment_name: NAME
              description: "first words, then more of them"
              generate_prompts: True
              num_prompts: 3
              prompt_length: 60
              num_tasks: 6
              num_runners: 2
              max_tokens: 3
              account_address: gonka
            """;

    @TempDir
    Path folder;

    private record Ended(int exit, List<String> out, String err) {
        JsonNode json() {
            return Json.parse(out.getLast());
        }
    }

    private Ended bestfit(String... args) throws IOException, InterruptedException {
        return ended(begin(args));
    }

    private Ended ended(Process process) throws IOException, InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(
                process.exitValue(),
                Files.readAllLines(folder.resolve("out")),
                Files.readString(folder.resolve("err")));
    }

    private Process begin(String... args) throws IOException {
        return begin(List.of(), args);
    }

    /** @param before words in front of the command */
    private Process begin(List<String> before, String... args) throws IOException {
        var command = new ArrayList<>(before);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath(),
                "bestfit.cli.Main"));
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment().put("BESTFIT_HOME", folder.resolve("home").toString());
        return builder.start();
    }

    /** Absolute, as the processes run in another folder. */
    private static String classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Permissions do not bind a root user, except one that gave that power away. */
    private Ended listBoundByPermissions(Path database) throws Exception {
        var before = List.of("setpriv", "--bounding-set=-dac_override,-dac_read_search");
        boolean root = Files.isWritable(database.getParent());
        assumeThat(!root || Files.isExecutable(Path.of("/usr/bin/setpriv"))).isTrue();
        return ended(begin(root ? before : List.of(), "list", "--json", "--db", database.toString()));
    }

    @Test
    void databaseInAFolderWithoutWritePermission_isRead() throws Exception {
        var source = folder.resolve("source.sqlite");
        var locked = Files.createDirectory(folder.resolve("100 % ours?"));
        var killed = Files.createDirectory(folder.resolve("killed"));
        try (var database = Database.open(source, folder)) {
            new ExperimentStore(database).begin("ours", null, Map.of());
            Files.copy(source, killed.resolve("db.sqlite"));
            Files.copy(folder.resolve("source.sqlite-wal"), killed.resolve("db.sqlite-wal"));
        }
        Files.copy(source, locked.resolve("db.sqlite"));
        for (var each : List.of(locked, killed)) {
            Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("r-xr-xr-x"));
        }
        try {
            var whole = listBoundByPermissions(locked.resolve("db.sqlite"));
            assertThat(whole.exit()).as(whole.err()).isZero();
            assertThat(whole.json().at("/experiments/0/name").asString()).isEqualTo("ours");
            var partly = listBoundByPermissions(killed.resolve("db.sqlite"));
            assertThat(partly.exit()).isEqualTo(2);
            assertThat(partly.err()).contains("db.sqlite-wal", "copy both files");
        } finally {
            for (var each : List.of(locked, killed)) {
                Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
    }

    @Test
    void oneFailingExperiment_doesNotStopTheOthers() throws Exception {
        Files.writeString(folder.resolve("gone.csv"), "only,one\n");
        Files.writeString(folder.resolve("prompts.csv"), "status,x\nstatus,y\n");
        Files.writeString(
                folder.resolve("three.yml"),
                EXPERIMENT.replace("NAME", "first")
                        + EXPERIMENT
                                .replace("NAME", "bad")
                                .replace("generate_prompts: True", "prompts_file: prompts.csv")
                        + EXPERIMENT.replace("NAME", "third"));
        try (var engine = new FakeEngine()) {
            var ended = bestfit("measure-from-yaml", "three.yml", "--no-sign", "--node_url", engine.url(), "--json");
            assertThat(ended.exit()).as(ended.err()).isEqualTo(ExitCode.FAILED);
            assertThat(ended.err()).contains("\"bad\"", "http status: 503 no room");
            assertThat(ended.out()).hasSize(1);
            var experiments = ended.json().get("experiments");
            assertThat(experiments).hasSize(3);
            assertThat(experiments.at("/0/metrics/TTFT").doubleValue()).isPositive();
            assertThat(experiments.at("/1/metrics/TTFT").isMissingNode()).isTrue();
            assertThat(experiments.at("/1/counts/failed/http status").intValue())
                    .isEqualTo(6);
            assertThat(experiments.at("/2/counts/ok").intValue()).isEqualTo(6);
        }
        var listed = bestfit("list", "--show-metrics", "--show-parameters", "--csv-file", "all.csv");
        assertThat(listed.exit()).isZero();
        assertThat(listed.out())
                .anyMatch(line ->
                        line.matches("\\| +ID \\| Name +\\| Date +\\| Description +\\| Parameters +\\| Metrics +\\|"))
                .anyMatch(line -> line.contains("first words, then mo...") && line.contains("TTFT: "));
        assertThat(Files.readAllLines(folder.resolve("all.csv")).getFirst())
                .startsWith("id,name,date,description,parameters,M_");
        assertThat(bestfit("list", "--name-filter", "thi", "--param-filter", "num_tasks=6", "--json")
                        .json()
                        .get("experiments"))
                .hasSize(1);
        assertThat(bestfit("report", "1", "--recompute").out()).contains("Name: first");
    }

    @Test
    void stress_goesOnUntilStopped_andKeepsGrowingWindows() throws Exception {
        Files.writeString(folder.resolve("prompts.csv"), "a prompt\n".repeat(19) + "status\n");
        int shown;
        try (var engine = new FakeEngine()) {
            var process = begin(
                    "stress",
                    "--node-url",
                    engine.url(),
                    "--model_name",
                    "m",
                    "--experiment_name",
                    "all night",
                    "--no-sign",
                    "--num_runners",
                    "3",
                    "--prompts_file",
                    "prompts.csv",
                    "--max_tokens",
                    "3",
                    "--report_freq_min",
                    "0.01",
                    "--json");
            // two windows after the first failure
            Awaitility.await()
                    .atMost(60, TimeUnit.SECONDS)
                    .until(() -> Files.readString(folder.resolve("err"))
                            .matches("(?s).*a request failed: http status.*FAILS=[1-9].*FAILS=[1-9].*"));
            process.destroy(); // SIGTERM, as Ctrl-C
            var json = ended(process).json();
            assertThat(json.at("/counts/ok").longValue()).isPositive();
            assertThat(json.at("/counts/failed/http status").longValue()).isPositive();
            double whole = json.at("/metrics/FAILED_REQUESTS").doubleValue();
            var windows = json.at("/windows");
            double last = 0;
            for (var window : windows) {
                double failed = window.at("/metrics/FAILED_REQUESTS").doubleValue(0);
                assertThat(failed).isGreaterThanOrEqualTo(last);
                last = failed;
            }
            assertThat(whole).isGreaterThanOrEqualTo(last).isPositive();
            // 3 runners, each waiting 5 s after a failure: failures do not come by the thousand
            assertThat(whole).isLessThanOrEqualTo(3 * (1 + windows.size() * 0.6 / 5 + 60 / 5));
            shown = windows.size();
        }
        var listed = bestfit("list", "--show-metrics", "--show-parameters", "--json")
                .json()
                .at("/experiments/0");
        assertThat(listed.at("/parameters/run_mode").asString()).isEqualTo("continuous");
        assertThat(listed.at("/parameters/report_freq_min").asString()).isEqualTo("0");
        assertThat(listed.at("/metrics/TTFT_window_" + shown).doubleValue()).isPositive();
        assertThat(bestfit("report", "1", "--recompute").out()).anyMatch(line -> line.contains("TTFT_window_" + shown));
    }

    @Test
    void signing_isPlainlyNotSupported() throws Exception {
        var ended = bestfit("check-balances", "--node_url", "http://127.0.0.1:1");
        assertThat(ended.exit()).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(ended.err()).contains("check-balances is not supported");
    }

    @Test
    void everyProblemOfAFile_isNamedAtOnce() throws Exception {
        Files.writeString(
                folder.resolve("bad.yml"),
                EXPERIMENT
                        .replace("NAME", "x")
                        .replace("num_tasks: 6", "num_taks: 6")
                        .replace("3", "many"));
        var ended = bestfit("measure-from-yaml", "bad.yml", "--private_key_hex", "0x1");
        assertThat(ended.exit()).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(ended.err())
                .contains("--private_key_hex is not supported")
                .contains("bad.yml: num_taks: is not a known key; the nearest known is num_tasks")
                .contains("bad.yml: num_tasks: is missing")
                .contains("bad.yml: num_prompts: \"many\" is not allowed; it takes a whole number from 1")
                .contains("node_url: is missing; give it here or as --node_url")
                .doesNotContain("\tat ");
        assertThat(folder.resolve("compressa-perf-db.sqlite")).doesNotExist();
    }

    @Test
    void compressasDatabase_isAddedTo_andItsOwnRowsStay() throws Exception {
        var file = folder.resolve("compressa-perf-db.sqlite");
        try (var theirs = CompressaMetrics.class.getResourceAsStream("/bestfit/store/compressa-perf-0.2.5.db")) {
            Files.write(file, theirs.readAllBytes());
        }
        var before = Files.readAllBytes(file);
        var theirTtft =
                bestfit("report", "1", "--json").json().at("/metrics/TTFT").doubleValue();
        assertThat(bestfit("list", "--recompute").exit()).isZero();
        assertThat(bestfit("measure", "--node_url", "http://127.0.0.1:9", "--model_name", "m")
                        .exit())
                .isEqualTo(ExitCode.BAD_INPUT);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);

        try (var engine = new FakeEngine()) {
            var measure = List.of(
                    "measure",
                    "--no-sign",
                    "--node_url",
                    engine.url(),
                    "--model_name",
                    "m",
                    "--experiment_name",
                    "ours",
                    "--generate_prompts",
                    "--num_tasks",
                    "4",
                    "--max_tokens",
                    "3");
            var first = bestfit(measure.toArray(String[]::new));
            assertThat(first.exit()).as(first.err()).isZero();
            assertThat(first.err()).contains("compressa-perf-db.sqlite is compressa-perf's: results are added to it");
            assertThat(bestfit(measure.toArray(String[]::new)).err()).doesNotContain("is compressa-perf's");
        }
        assertThat(bestfit("list", "--recompute", "--json").json().get("experiments"))
                .hasSize(3);
        // as compressa-perf computed and stored it
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement();
                var ttft = statement.executeQuery(
                        "SELECT count(*), min(metric_value) FROM Metrics WHERE experiment_id = 1 AND metric_name = 'TTFT'")) {
            assertThat(ttft.getInt(1)).isOne();
            assertThat(ttft.getDouble(2)).isEqualTo(theirTtft);
        }
    }
}
