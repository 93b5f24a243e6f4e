package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.load.EventLog;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import bestfit.report.ResultComparison;
import bestfit.report.ResultRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareCommandTest {
    @TempDir
    Path folder;

    /** A run of 300 requests whose times spread by 10 %. */
    private Path run(String name, long seed, double slowdown) {
        var file = folder.resolve(name);
        var random = new SplittableRandom(seed);
        try (var log = EventLog.create(file, Json.object())) {
            for (int i = 0; i < 300; i++) {
                long start = i * 1_000_000_000L;
                double factor = slowdown * (1 + 0.1 * random.nextGaussian());
                long first = start + (long) (50e6 * factor);
                long last = first + (long) (200e6 * slowdown * (1 + 0.1 * random.nextGaussian()));
                log.accept(new Measurement(
                        i,
                        0,
                        start,
                        start,
                        start,
                        first,
                        first,
                        last,
                        last,
                        10,
                        11,
                        null,
                        start / 1000,
                        ChunkTimes.of(new long[] {first - start, last - start}, 2)));
            }
        }
        return file;
    }

    private static int compare(Path a, Path b) {
        return Main.run("compare", a.toString(), b.toString(), "--json");
    }

    @Test
    void sameServer_isNoRegression_andFivePercentIsOne() {
        int alarms = 0;
        int found = 0;
        for (int pair = 0; pair < 100; pair++) {
            var a = run("a", 2L * pair, 1);
            alarms += compare(a, run("b", 2L * pair + 1, 1));
            found += compare(a, run("c", 2L * pair + 1, 1.05));
        }
        assertThat(alarms).isLessThanOrEqualTo(5);
        assertThat(found).isGreaterThanOrEqualTo(90);
    }

    /** A single run cannot know whether a percent or two are the server's or the minute's; who wants it called says so. */
    @Test
    void smallChangeBetweenSingleRuns_isCalledOnDemandOnly() {
        int called = 0;
        int onDemand = 0;
        for (int pair = 0; pair < 20; pair++) {
            var a = run("a", 2L * pair, 1);
            var b = run("b", 2L * pair + 1, 1.015);
            called += compare(a, b);
            onDemand += Main.run("compare", "--tolerance", "0", a.toString(), b.toString());
        }
        assertThat(called).isLessThanOrEqualTo(1);
        assertThat(onDemand).isGreaterThan(called);
    }

    /** Each start of a server moves all its times by about 5 %: one run a side calls that a difference, four a side do not. */
    @Test
    void severalRuns_holdWhatDiffersFromStartToStart() {
        int alarms = 0;
        int found = 0;
        int single = 0;
        for (int pair = 0; pair < 20; pair++) {
            var a = runs("a", 100 + pair, 1);
            var b = runs("b", 200 + pair, 1);
            alarms += compared(a, b);
            found += compared(a, runs("c", 300 + pair, 1.3));
            single += compared(first(a), first(b));
        }
        assertThat(single).isGreaterThan(alarms);
        assertThat(alarms).isLessThanOrEqualTo(2);
        assertThat(found).isGreaterThanOrEqualTo(18);
    }

    /** With one run of a side 20 % off, a t test over the three finds nothing. */
    @Test
    void runOutOfLine_isLeftOutByName() {
        var odd = run("odd", 7, 1.2);
        var a = run("a0", 1, 1) + "," + odd + "," + run("a1", 2, 1);
        var b = run("b0", 3, 1) + "," + run("b1", 4, 1) + "," + run("b2", 5, 1);
        var c = run("c0", 3, 1.05) + "," + run("c1", 4, 1.05) + "," + run("c2", 5, 1.05);
        assertThat(compared(a, b)).isEqualTo(ExitCode.OK);
        assertThat(compared(a, c)).isEqualTo(ExitCode.FAILED);
        var home = Home.of(System.getenv());
        var comparison =
                ResultComparison.of(ResultRuns.read(a, home), ResultRuns.read(b, home), OptionalDouble.empty());
        assertThat(comparison.text()).contains("Left out of A: " + odd);
        var leftOut = comparison.json().path("a").path("left_out");
        assertThat(leftOut.path("source").asString()).isEqualTo(odd.toString());
        assertThat(leftOut.path("value").asDouble() / leftOut.path("others").asDouble())
                .isBetween(1.15, 1.25);
        assertThat(comparison.json().path("a").path("requests").asInt()).isEqualTo(900);
        assertThat(comparison.json().path("b").has("left_out")).isFalse();
    }

    @Test
    void whatARunLacks_isComparedByTheOthers() throws IOException {
        var a = plain("a", new double[] {100, 10}, new double[] {101, 10.1}, new double[] {100.5, 10.2});
        var slow = plain("b", new double[] {100.2, 15}, new double[] {100.8, 15.1}) + ","
                + Files.writeString(folder.resolve("b9"), "{\"ttft\": {\"mean\": 100.1}}");
        assertThat(compared(a, slow)).isEqualTo(ExitCode.FAILED);
        var home = Home.of(System.getenv());
        assertThat(ResultComparison.of(ResultRuns.read(a, home), ResultRuns.read(slow, home), OptionalDouble.empty())
                        .text())
                .contains("Without tpot_ms: 1 of the runs of B.");
    }

    /** Files of one run each: TTFT and TPOT. */
    private String plain(String name, double[]... means) throws IOException {
        var files = new java.util.ArrayList<String>();
        for (var each : means) {
            var json = "{\"ttft\": {\"mean\": " + each[0] + "}, \"tpot\": {\"mean\": " + each[1] + "}}";
            files.add(
                    Files.writeString(folder.resolve(name + files.size()), json).toString());
        }
        return String.join(",", files);
    }

    /** Twice the same file would be as sure as two runs. */
    @Test
    void whatIsWrongInAListOfRuns_isToldAtOnce() throws IOException {
        var ours = run("ours", 1, 1);
        assertThat(compared(ours + "," + ours, ours.toString())).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(compared(ours + "#2", ours.toString())).isEqualTo(ExitCode.BAD_INPUT);
        var home = Home.of(System.getenv());
        assertThatThrownBy(() -> ResultRuns.read(ours + ",no1,," + folder.resolve("no2"), home))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .hasSize(3)
                                .anyMatch(problem -> problem.contains("no1"))
                                .anyMatch(problem -> problem.contains("no2"))
                                .anyMatch(problem -> problem.contains("a name is missing")));
    }

    @Test
    void vllmFileThatCountsNoFailures_isJudgedByItsPrompts() throws IOException {
        var times = "\"num_prompts\": 300, \"mean_tpot_ms\": 20.0, \"std_tpot_ms\": 2.0}";
        var whole = Files.writeString(folder.resolve("w.json"), "{\"completed\": 300, " + times);
        var half = Files.writeString(folder.resolve("h.json"), "{\"completed\": 150, " + times);
        assertThat(compare(whole, half)).isEqualTo(ExitCode.FAILED);
    }

    private static String first(String runs) {
        return runs.substring(0, runs.indexOf(','));
    }

    private String runs(String name, long seed, double slowdown) {
        var random = new SplittableRandom(seed);
        return java.util.stream.IntStream.range(0, 4)
                .mapToObj(i -> run(name + i, 1000 * seed + i, slowdown * (1 + 0.05 * random.nextGaussian()))
                        .toString())
                .collect(java.util.stream.Collectors.joining(","));
    }

    private static int compared(String a, String b) {
        return Main.run("compare", a, b, "--json");
    }

    @Test
    void whatIsNoResult_isRefusedByName() throws IOException {
        var ours = run("ours", 1, 1);
        for (var content : java.util.List.of(
                "",
                "\n\n",
                "{\"verdict\": \"VALID\"",
                "PK\u0003\u0004",
                "[1, 2]",
                "{\"verdict\": \"slower\", \"metrics\": {\"ttft_ms\": {\"mean\": 1, \"low\": 0, \"high\": 2, \"n\": 9}}}",
                "{\"verdict\": \"VALID\", \"metrics\": {\"ttft_ms\": {\"mean\": -9, \"low\": -10, \"high\": -8, \"n\": 9}}}",
                "{\"verdict\": \"VALID\", \"metrics\": {\"ttft_ms\": {\"mean\": 9, \"low\": 10, \"high\": 8, \"n\": 9}}}",
                "SQLite format 3\0 and nothing of one",
                "{\"benchmarks\": []}",
                "{\"request_count\": {\"avg\": 9}, \"request_latency\": {\"avg\": 60, \"std\": 1e400}}")) {
            var broken = Files.writeString(folder.resolve("broken.json"), content);
            assertThat(compare(ours, broken)).as(content).isEqualTo(ExitCode.BAD_INPUT);
        }
        assertThat(compare(ours, folder.resolve("none.json"))).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(compare(ours, folder)).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(compared(ours + "," + folder.resolve("none.json"), ours.toString()))
                .isEqualTo(ExitCode.BAD_INPUT);
    }

    @Test
    void vllmsFile_isRead() throws IOException {
        var vllm = Files.writeString(folder.resolve("v.json"), """
                {"completed": 300, "mean_ttft_ms": 50.0, "std_ttft_ms": 5.0,
                 "mean_tpot_ms": 20.0, "std_tpot_ms": 2.0, "mean_e2el_ms": 250.0, "std_e2el_ms": 20.0}
                """);
        assertThat(compare(vllm, run("ours", 1, 1))).isEqualTo(ExitCode.OK);
        assertThat(compare(vllm, run("slow", 1, 1.2))).isEqualTo(ExitCode.FAILED);
        var other = Files.writeString(folder.resolve("x.json"), "{\"a\": 1}");
        assertThat(compare(vllm, other)).isEqualTo(ExitCode.BAD_INPUT);
    }

    @Test
    void otherToolsFiles_areRead() throws IOException {
        var ours = run("ours", 1, 1);
        var guidellm = Files.writeString(folder.resolve("g.json"), """
                {"benchmarks": [{"metrics": {
                  "time_to_first_token_ms": {"successful": {"mean": 50, "std_dev": 5, "count": 300, "percentiles": {"p50": 50, "p99": 62}}},
                  "inter_token_latency_ms": {"successful": {"mean": 20, "std_dev": 2, "count": 3000, "percentiles": {"p50": 20, "p99": 25}}},
                  "request_latency": {"successful": {"mean": 0.25, "std_dev": 0.02, "count": 300, "percentiles": {"p50": 0.25, "p99": 0.3}}}}}]}
                """);
        var aiperf = Files.writeString(folder.resolve("a.json"), """
                {"request_count": {"avg": 300}, "time_to_first_token": {"unit": "s", "avg": 0.06, "std": 0.005, "p50": 0.06, "p99": 0.072},
                 "inter_token_latency": {"unit": "ms", "avg": 20, "std": 2}, "request_latency": {"unit": "ms", "avg": 260, "std": 20}}
                """);
        assertThat(compare(ours, guidellm)).isEqualTo(ExitCode.OK);
        assertThat(compare(guidellm, aiperf)).isEqualTo(ExitCode.FAILED);
        assertThat(Main.run("compare", "--tolerance", "30", guidellm.toString(), aiperf.toString()))
                .isEqualTo(ExitCode.OK);
    }

    /** The times of those that succeeded are the same, so that only the failures tell. */
    @Test
    void serverThatFailsMore_isARegression() throws IOException {
        var times = """
                "mean_ttft_ms": 50.0, "std_ttft_ms": 5.0, "mean_tpot_ms": 20.0, "std_tpot_ms": 2.0,
                "mean_e2el_ms": 250.0, "std_e2el_ms": 20.0}""";
        var whole = Files.writeString(folder.resolve("whole.json"), "{\"completed\": 300, \"failed\": 0, " + times);
        var one = Files.writeString(folder.resolve("one.json"), "{\"completed\": 299, \"failed\": 1, " + times);
        var many = Files.writeString(folder.resolve("many.json"), "{\"completed\": 280, \"failed\": 20, " + times);
        assertThat(compare(whole, one)).isEqualTo(ExitCode.OK);
        assertThat(compare(whole, many)).isEqualTo(ExitCode.FAILED);
        assertThat(compare(many, whole)).isEqualTo(ExitCode.OK);
        assertThat(Main.run("compare", "--tolerance", "20", whole.toString(), many.toString()))
                .isEqualTo(ExitCode.OK);
        var guidellm = """
                {"benchmarks": [{"metrics": {"request_totals": {"successful": %d, "errored": %d, "incomplete": 0, "total": 300},
                  "time_to_first_token_ms": {"successful": {"mean": 50, "std_dev": 5, "count": 280}}}}]}
                """;
        assertThat(compare(
                        Files.writeString(folder.resolve("g1.json"), guidellm.formatted(300, 0)),
                        Files.writeString(folder.resolve("g2.json"), guidellm.formatted(280, 20))))
                .isEqualTo(ExitCode.FAILED);
        var aiperf = """
                {"request_count": {"avg": 280}, "error_request_count": {"avg": %d},
                 "time_to_first_token": {"unit": "ms", "avg": 60, "std": 5}}
                """;
        assertThat(compare(
                        Files.writeString(folder.resolve("a1.json"), aiperf.formatted(0)),
                        Files.writeString(folder.resolve("a2.json"), aiperf.formatted(20))))
                .isEqualTo(ExitCode.FAILED);
        var bench = """
                {"verdict": "INVALID", "reasons": ["the client was late"], "counts": {"ok": 280, "failed": %s},
                 "metrics": {"ttft_ms": {"mean": 50, "low": 49, "high": 51, "n": 280}}}
                """;
        assertThat(compare(
                        Files.writeString(folder.resolve("b1.json"), bench.formatted("{}")),
                        Files.writeString(
                                folder.resolve("b2.json"), bench.formatted("{\"reset\": 12, \"timeout\": 8}"))))
                .isEqualTo(ExitCode.FAILED);
    }

    /** The worst regression leaves no time to compare; two such results are no "no difference". */
    @Test
    void serverThatFailsAlways_isARegression() throws IOException {
        var ours = run("ours", 1, 1);
        var none = Files.writeString(
                folder.resolve("none.json"),
                "{\"verdict\": \"INVALID\", \"counts\": {\"ok\": 0, \"failed\": {\"http_status\": 40}}, \"metrics\": {}}");
        assertThat(compare(ours, none)).isEqualTo(ExitCode.FAILED);
        assertThat(compare(none, ours)).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(compare(none, none)).isEqualTo(ExitCode.BAD_INPUT);
    }

    /** vLLM's detailed arrays: two tokens 20 ms apart after 50 ms, one request failed. */
    @Test
    void vllmsDetailedFile_isRead() throws IOException {
        var rows = java.util.stream.IntStream.range(0, 100).boxed().toList();
        var json = Json.object().put("completed", 99);
        var starts = json.putArray("start_times");
        var ttfts = json.putArray("ttfts");
        var itls = json.putArray("itls");
        var inputs = json.putArray("input_lens");
        var outputs = json.putArray("output_lens");
        var errors = json.putArray("errors");
        for (int i : rows) {
            starts.add(1000 + i);
            ttfts.add(i == 7 ? 0 : 0.05 + 0.0001 * (i % 5));
            var gaps = itls.addArray();
            if (i != 7) {
                gaps.add(0.2 + 0.0001 * (i % 3));
            }
            inputs.add(10);
            outputs.add(i == 7 ? 0 : 11);
            errors.add(i == 7 ? "boom" : "");
        }
        var detailed = Files.writeString(folder.resolve("d.json"), Json.write(json));
        assertThat(compare(detailed, run("ours", 1, 1))).isEqualTo(ExitCode.OK);
    }

    @Test
    void compressasDatabase_isRead() throws Exception {
        var file = folder.resolve("c.sqlite");
        try (var connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + file);
                var sql = connection.createStatement()) {
            for (var table : java.util.List.of(
                    "Experiments(id INTEGER PRIMARY KEY, experiment_name TEXT, experiment_date TEXT, description TEXT)",
                    "Parameters(id INTEGER PRIMARY KEY, experiment_id INTEGER, key TEXT, value TEXT)",
                    "Metrics(id INTEGER PRIMARY KEY, experiment_id INTEGER, metric_name TEXT, metric_value REAL, timestamp TEXT)",
                    "Measurements(id INTEGER PRIMARY KEY, experiment_id INTEGER, n_input INTEGER, n_output INTEGER, ttft REAL,"
                            + " start_time REAL, end_time REAL, status TEXT)")) {
                sql.execute("CREATE TABLE " + table);
            }
            for (int experiment = 1; experiment <= 2; experiment++) {
                sql.execute("INSERT INTO Experiments VALUES (" + experiment + ", 'e', '2026-01-0" + experiment
                        + " 00:00:00', null)");
                for (int i = 0; i < 50; i++) {
                    double latency = 1 + 0.001 * (i % 7) + (experiment - 1) * 0.2;
                    sql.execute("INSERT INTO Measurements VALUES (null, " + experiment + ", 10, 11, 0.5, " + i + ", "
                            + (i + latency) + ", 'success')");
                }
            }
        }
        assertThat(Main.run("compare", file + "#1", file + "#2")).isEqualTo(ExitCode.FAILED);
        assertThat(Main.run("compare", file + "#2", file.toString())).isEqualTo(ExitCode.OK);
        assertThat(Main.run("compare", file + "#3", file.toString())).isEqualTo(ExitCode.BAD_INPUT);
    }
}
