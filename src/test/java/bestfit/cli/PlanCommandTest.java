package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.hardware.ServerSpec;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import bestfit.model.KnownModels;
import bestfit.perf.EngineVersion;
import bestfit.perf.Load;
import bestfit.perf.MeasuredHere;
import bestfit.perf.Plan;
import bestfit.report.PredictionReport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PlanCommandTest {
    private static final MeasuredHere.Knowledge KNOWN = MeasuredHere.Knowledge.shipped();

    @TempDir
    private Path folder;

    /** What {@code plan --score … --markdown} writes stays between the marks, with one plot a figure. */
    @Test
    void a_page_of_errors_with_plots() throws Exception {
        var table = Files.writeString(
                folder.resolve("here.csv"),
                "model,gpu,tp,input_len,output_len,concurrency,tpot_ms_mean,pred_tpot_ms_mean,pred_tpot_ms_mean_low,"
                        + "pred_tpot_ms_mean_high,basis\nQwen3-8B,H100,1,1000,100,8,10,11,9,13,same GPU\n");
        var page = Files.writeString(
                folder.resolve("page.md"),
                "before\n<!-- written by bench/accuracy: begin -->\nold\n<!-- written by bench/accuracy: end -->\nafter\n");
        assertThat(PlanTables.markdown(List.of(table), page)).isZero();
        assertThat(Files.readString(page))
                .startsWith("before\n")
                .endsWith("after\n")
                .contains("| here | TPOT ms | 1 | 10.0 % | 10 % | 1.10 | 100 % |")
                .doesNotContain("old");
        assertThat(Files.readString(folder.resolve("page/tpot_ms_mean.svg")))
                .startsWith("<svg")
                .contains("<circle");
    }

    /** The bars hold for the rows of all tables: one line a figure, TPOT with throughput, and all figures of a basis. */
    @Test
    void a_page_of_errors_pools_tables_and_figures() throws Exception {
        var header = "model,gpu,concurrency,input_len,output_len,tpot_ms_mean,pred_tpot_ms_mean,pred_tpot_ms_mean_low,"
                + "pred_tpot_ms_mean_high,output_tok_s,pred_output_tok_s,pred_output_tok_s_low,pred_output_tok_s_high,basis\n";
        var tables = Files.createDirectories(folder.resolve("tables"));
        Files.writeString(
                tables.resolve("a.csv"), header + "Qwen3-8B,H100,8,1000,100,10,11,9,13,100,98,90,110,same GPU\n");
        Files.writeString(
                tables.resolve("b.csv"), header + "Qwen3-8B,H100,8,1000,100,10,13,12,14,100,96,90,110,same GPU\n");
        var page = folder.resolve("page.md");
        assertThat(PlanTables.markdown(List.of(tables), page)).isZero();
        assertThat(Files.readString(page))
                .contains("| all tables | TPOT ms | 2 | 20.0 % | 28 % | 1.20 | 50 % |")
                .contains("| all tables | TPOT and tokens/s | 4 | 7.0 % | 24 % |  | 75 % |")
                .contains("| same GPU | all together | 4 | 7.0 % | 24 % |  | 75 % |");
    }

    /** As spreadsheets save tables where they do not use UTF-8. */
    @Test
    void a_table_in_another_encoding() throws Exception {
        var table = Files.writeString(
                folder.resolve("latin.csv"),
                "model,gpu,tp,input_len,output_len,concurrency,notes\nQwen3-8B,H100,1,1000,100,8,g\u00e9n\u00e9ral\n",
                StandardCharsets.ISO_8859_1);
        var out = folder.resolve("out.csv");
        assertThat(PlanTables.predict(table, out)).isZero();
        assertThat(Files.readString(out)).contains(",fits,same GPU,");
    }

    @Test
    void a_running_node_tells_its_server() throws Exception {
        var devices = Json.object();
        for (int i = 0; i < 4; i++) {
            devices.withArray("devices")
                    .addObject()
                    .put("index", i)
                    .put("name", "NVIDIA L4")
                    .put("total_memory_mb", 23034);
        }
        var router = new Router().get("/api/v1/gpu/devices", exchange -> exchange.json(200, devices));
        try (var server = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router)) {
            assertThat(PlanServer.of(server.url())).hasToString("4xl4");
        }
        assertThatThrownBy(() -> PlanServer.of("http://127.0.0.1:1"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--server http://127.0.0.1:1")
                .hasMessageContaining("such as http://HOST:8080");
    }

    private static List<String> problems(String... words) {
        var command = new PlanCommand();
        new CommandLine(command).parseArgs(words);
        var refused = catchThrowableOfType(ConfigException.class, command::call);
        return refused == null ? List.of() : refused.problems();
    }

    @Test
    void unknown_names_are_told_at_once_with_the_nearest_known() {
        assertThat(problems("--model", "Qwen3-8C", "--server", "8xH101", "--engine-version", "newest", "--users", "0"))
                .satisfiesExactly(
                        model -> assertThat(model).contains("Qwen3-8C").contains("nearest known is Qwen3-8B"),
                        server -> assertThat(server).contains("H101").contains("nearest known is h100"),
                        release -> assertThat(release).contains("newest").contains("such as 0.23.0"),
                        users -> assertThat(users).contains("--users").contains("from 1 to"));
    }

    @Test
    void args_that_cannot_run_are_told_at_once_with_what_can() {
        assertThat(
                        problems(
                                "--model",
                                "Qwen/Qwen3-8B",
                                "--server",
                                "8xH100-SXM",
                                "--args",
                                "--tensor-parallel-size 3 --pipeline-parallel-size 40 --quantization fp9 --gpu-memory-utilization 2"))
                .satisfiesExactly(
                        quantization -> assertThat(quantization).contains("fp9").contains("nearest known is fp8"),
                        utilization -> assertThat(utilization).contains("2").contains("default is 0.92"),
                        tensor -> assertThat(tensor).contains("32 heads").contains("nearest that works is 2"),
                        pipeline -> assertThat(pipeline).contains("36 layers"));
        assertThat(problems("--model", "Qwen/Qwen3-8B", "--server", "8xH100-SXM", "--args", "--max-model-len 1000"))
                .singleElement()
                .asString()
                .contains("1000 + 300 tokens")
                .contains("prompts of 700 tokens, or --max-model-len 1300");
        assertThat(problems("--model", "Qwen/Qwen3-8B", "--server", "6xL4", "--args", "-tp 8 --max-model-len 900000"))
                .satisfiesExactly(
                        context -> assertThat(context).contains("900000").contains("40960 positions"),
                        tensor -> assertThat(tensor).contains("has 6").contains("the most that works is TP 4"));
        // A count that is none hides nothing else.
        assertThat(problems(
                        "--model",
                        "Qwen/Qwen3-8B",
                        "--server",
                        "8xH100-SXM",
                        "--input",
                        "50000",
                        "--args",
                        "--max-num-seqs 0 -tp 3 --max-num-batched-tokens 0"))
                .satisfiesExactly(
                        sequences -> assertThat(sequences).contains("--max-num-seqs is 0"),
                        tokens -> assertThat(tokens).contains("--max-num-batched-tokens 0 must be at least 1"),
                        context -> assertThat(context).contains("50000 + 300 tokens"),
                        tensor -> assertThat(tensor).contains("nearest that works is 2"));
    }

    private static Plan plan(String model, String server, int users) {
        var load = new Load(1000, 300, users, 0, 10 * users);
        var card = KnownModels.find(model).card();
        var query = new Plan.Query(card, ServerSpec.parse(server), EngineVersion.DEFAULT, VllmArgs.of(), load);
        return Plan.of(query, KNOWN);
    }

    /** What a user reads fits a terminal of 100 columns, whatever fits the server. */
    @Test
    void tables_stay_within_100_columns() {
        var lines = PredictionReport.text(plan("Qwen/Qwen3-32B-FP8", "8x4070tis", 10), KNOWN);
        assertThat(lines).allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
        assertThat(lines).anyMatch(line -> line.startsWith("TP 4 PP 1 ×2    yes"));
        assertThat(lines).anyMatch(line -> line.contains("would fit"));
    }

    /** For one user four stages of a pipeline are four times as slow as four GPUs at once: no doubt closes that gap. */
    @Test
    void what_is_worth_no_trial() {
        var lines = PredictionReport.text(plan("Qwen/Qwen3-32B", "4xH100", 1), KNOWN);
        assertThat(lines)
                .anyMatch(line -> line.startsWith("Worth no trial"))
                .anyMatch(line -> line.contains("· TP 1 PP 4 ×1"));
    }

    /** The names that scripts rely on: an estimate has mean, low and high. */
    @Test
    void json_has_the_names_that_the_design_promises() {
        var json = PredictionReport.json(plan("Qwen/Qwen3-8B", "2xH100", 10), KNOWN);
        var first = json.path("configs").path(0);
        assertThat(first.path("fits").asString()).isEqualTo("yes");
        assertThat(first.path("basis").asString()).isEqualTo("same GPU");
        for (var figure : List.of("ttft_ms", "tpot_ms", "output_tok_s")) {
            var estimate = first.path("predicted").path(figure);
            assertThat(estimate.path("low").asDouble())
                    .isPositive()
                    .isLessThan(estimate.path("mean").asDouble());
            assertThat(estimate.path("high").asDouble())
                    .isGreaterThan(estimate.path("mean").asDouble());
        }
        assertThat(first.path("kv_tokens").path("mean").asDouble()).isPositive();
    }
}
