package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.ModelCard;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@NullUnmarked // a figure that is missing should fail here
class MeasuredHereTest {
    private static final ServerSpec H100 = ServerSpec.parse("H100-SXM");
    private static final ModelCard QWEN3_8B = KnownModels.find("Qwen3-8B").card();
    private static final EngineVersion RELEASE = EngineVersion.of("0.23.0");
    private static final EngineVersion OTHER_RELEASE = EngineVersion.of("0.11.0");

    @TempDir
    private Path home;

    private static String table() throws IOException {
        try (var in = MeasuredHereTest.class.getResourceAsStream("h100_vllm.csv")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** From one measured config of the H100 the other bf16 ones within 10 %, median, for each choice of the one. */
    @Test
    void one_measured_config_predicts_the_others_of_its_server() throws IOException {
        var lines = table().lines().toList();
        var errors = new ArrayList<Double>();
        for (int learnt = 1; learnt <= 8; learnt++) {
            var file = MeasuredHere.file(home.resolve("home" + learnt), H100);
            assertThat(MeasuredHere.add(file, "table", lines.getFirst() + "\n" + lines.get(learnt)))
                    .isEqualTo(1);
            assertThat(MeasuredHere.add(file, "table", lines.getFirst() + "\n" + lines.get(learnt)))
                    .isZero();
            var known = MeasuredHere.of(file, H100, QWEN3_8B, RELEASE);
            assertThat(known.basis()).contains(Prediction.Basis.MEASURED_HERE);
            for (var row : Cases.read("table", table())) {
                if (row.get("quant").equals("bf16")
                        && !lines.get(learnt)
                                .startsWith(String.join(",", row.values()).substring(0, 60))) {
                    double predicted =
                            Prediction.values(Case.of(row), known.constants()).get("tpot_ms_mean");
                    errors.add(Math.abs(predicted / Double.parseDouble(row.get("tpot_ms_mean")) - 1));
                }
            }
        }
        errors.sort(null);
        assertThat(errors.get(errors.size() / 2)).isLessThan(0.1);
    }

    /** What was measured of a folder that is gone is known by the model's name, and keeps no other model from being planned. */
    @Test
    void a_model_s_folder_may_go() throws IOException {
        var lines = table().lines().toList();
        var file = MeasuredHere.file(home, H100);
        MeasuredHere.add(file, "table", lines.getFirst() + "\n" + lines.get(1));
        Files.writeString(file, Files.readString(file).replace("Qwen3-8B,", home.resolve("gone/Qwen3-8B") + ","));
        Files.writeString(
                Path.of(file.toString().replace(".csv", ".starts.csv")), """
                model,args,engine_version,weights_gib,peak_activation_gib,non_torch_gib,kv_cache_tokens
                %s,,0.23.0,15.3,,,400000
                """.formatted(home.resolve("gone/Other-8B")));
        assertThat(MeasuredHere.of(file, H100, KnownModels.find("Qwen3-32B").card(), RELEASE)
                        .basis())
                .isEmpty();
        assertThat(MeasuredHere.of(file, H100, QWEN3_8B, RELEASE).basis()).contains(Prediction.Basis.MEASURED_HERE);
    }

    /**
     * Two H200s of which TP 2 was measured: under another spelling of the model the two instances of one GPU are predicted within 10 % in
     * narrower intervals, and what only a pipeline asks for is as unsure as on any server.
     */
    @Test
    void what_was_not_measured_stays_open() throws IOException {
        String text;
        try (var in = MeasuredHereTest.class.getResourceAsStream("h200x2_vllm.csv")) {
            text = new String(java.util.Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        }
        var rows = text.lines()
                .filter(line -> line.startsWith("Qwen3-8B") && line.contains(",1024,300,"))
                .toList();
        var measured =
                rows.stream().filter(line -> line.contains("NVLink,2,1,1,1,")).toList();
        var server = ServerSpec.parse("2xH200-SXM");
        var file = MeasuredHere.file(home, server);
        var header = text.lines().findFirst().orElseThrow();
        MeasuredHere.add(file, "table", header + "\n" + String.join("\n", measured));
        var known =
                MeasuredHere.of(file, server, KnownModels.find("Qwen/Qwen3-8B").card(), EngineVersion.of("0.23.0"));
        assertThat(known.basis()).contains(Prediction.Basis.MEASURED_HERE);
        var shipped = Constants.shipped();
        assertThat(known.constants().doubt("cpu.asyncSequenceUs")).isLessThan(Spread.HOST);
        assertThat(known.constants().doubt("cpu.syncStepMs")).isGreaterThan(Spread.HOST);
        for (var line :
                rows.stream().filter(each -> each.contains("NVLink,1,1,1,2,")).toList()) {
            var config = Case.of(Cases.read("table", header + "\n" + line).getFirst());
            double tpot =
                    Double.parseDouble(Csv.rows(header + "\n" + line).getFirst().get("tpot_ms_mean"));
            var before = Prediction.of(config, shipped).figures().get("tpot_ms_mean");
            var after = Prediction.of(config, known.constants(), Prediction.Basis.MEASURED_HERE)
                    .figures()
                    .get("tpot_ms_mean");
            assertThat(after.value()).isCloseTo(tpot, org.assertj.core.data.Percentage.withPercentage(10));
            assertThat(after.high() / after.low()).isLessThan(before.high() / before.low());
        }
    }

    @Test
    void another_release_or_model_learns_nothing_from_it() throws IOException {
        var file = MeasuredHere.file(home, H100);
        MeasuredHere.add(file, "table", table());
        assertThat(MeasuredHere.of(file, H100, QWEN3_8B, OTHER_RELEASE).basis()).isEmpty();
        assertThat(MeasuredHere.of(file, H100, KnownModels.find("Qwen3-32B").card(), RELEASE)
                        .basis())
                .isEmpty();
    }

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(
                Objects.requireNonNull(MeasuredHereTest.class.getResource(name)).toURI());
    }

    private static Instance instance(ModelCard card, ServerSpec server, VllmArgs args) {
        var settings = EngineSettings.of(card, server.gpu(), RELEASE, args);
        return new Instance(card, settings, server.gpu(), server.link(), 1, 1);
    }

    /** Rows of the H100 whose args differ from those that the recorded steps ran with. */
    private static double untriedError(Constants constants) throws IOException {
        var errors = new ArrayList<Double>();
        for (var row : Cases.read("table", table())) {
            if (!row.get("notes").startsWith("--max-model-len 32768")) {
                double predicted = Prediction.values(Case.of(row), constants).get("output_tok_s");
                errors.add(Math.abs(predicted / Double.parseDouble(row.get("output_tok_s")) - 1));
            }
        }
        errors.sort(null);
        return errors.get(errors.size() / 2);
    }

    /** Steps recorded on an H100 with one config, decodes between prompts thinned to a tenth; its other configs, under load. */
    @Test
    void recorded_steps_of_one_config_predict_untried_ones_better_and_narrower() throws Exception {
        var file = MeasuredHere.file(home, H100);
        var from = resource("h100_steps.csv.gz");
        assertThat(MeasuredHere.learn(file, H100, RELEASE, "", from)).contains("steps");
        assertThat(MeasuredHere.learn(file, H100, RELEASE, "", from)).startsWith("0 ");

        var known = MeasuredHere.of(file, H100, QWEN3_8B, RELEASE, Constants.priors());

        assertThat(known.basis()).contains(Prediction.Basis.MEASURED_HERE);
        assertThat(untriedError(known.constants())).isLessThan(0.6 * untriedError(Constants.priors()));
        assertThat(known.residual()).isLessThan(0.1);
        var untried = Cases.read("table", table()).stream()
                .filter(row -> row.get("notes").contains("--quantization fp8"))
                .findFirst()
                .orElseThrow();
        assertThat(width(untried, known.constants())).isLessThan(width(untried, Constants.priors()));
    }

    private static double width(Map<String, String> row, Constants constants) {
        var figure = Prediction.of(Case.of(row), constants, Prediction.Basis.MEASURED_HERE)
                .figures()
                .get("tpot_ms_mean");
        return Math.log(figure.high() / figure.low());
    }

    /** The log of one start, of another context length; the two others of startup/h100_vllm_0.23.0.csv. */
    @ParameterizedTest
    @CsvSource({
        "--max-model-len 8192 --max-num-batched-tokens 2048, 408944",
        "--max-model-len 8192 --quantization fp8, 455136"
    })
    void a_start_s_log_narrows_the_memory_of_untried_configs(String args, double kvTokens) throws Exception {
        var file = MeasuredHere.file(home, H100);
        assertThat(MeasuredHere.learn(file, H100, OTHER_RELEASE, "", resource("h100_start.log")))
                .isEqualTo("1 starts");
        var known = MeasuredHere.of(file, H100, QWEN3_8B, RELEASE);

        assertThat(known.basis()).isEmpty();
        var on = instance(QWEN3_8B, H100, VllmArgs.of(args.split(" ")));
        var before = MemoryModel.of(on).kvTokens();
        var after = MemoryModel.of(on, known.constants()).kvTokens();
        assertThat(after.high() - after.low()).isLessThan(0.6 * (before.high() - before.low()));
        assertThat(kvTokens).isBetween(after.low(), after.high());
    }

    /** vLLM 0.23.0 on an H200 at its default log level, 2026-11-29: no line of memory snapshots, a cached compilation. */
    @Test
    void a_start_s_log_of_the_default_level_teaches_the_KV_space() throws Exception {
        var server = ServerSpec.parse("H200");
        var file = MeasuredHere.file(home, server);
        var on = instance(QWEN3_8B, server, VllmArgs.of("--max-model-len", "8192"));
        var before = MemoryModel.of(on).kvTokens();
        assertThat(816_640.0).isBetween(before.low(), before.high());

        assertThat(MeasuredHere.learn(file, server, OTHER_RELEASE, "Qwen/Qwen3-8B", resource("h200_start.log")))
                .isEqualTo("1 starts");
        var known = MeasuredHere.of(file, server, QWEN3_8B, RELEASE);
        var after = MemoryModel.of(on, known.constants()).kvTokens();
        assertThat(after.high() - after.low()).isLessThan(before.high() - before.low());
        assertThat(816_640.0).isBetween(after.low(), after.high());
    }

    /** A server that keeps 3 GiB more than usual for itself teaches that to every later plan. */
    @Test
    void a_server_that_keeps_more_memory_is_believed() throws Exception {
        var server = ServerSpec.parse("8xH100-SXM");
        var file = MeasuredHere.file(home, server);
        var log = home.resolve("start.csv");
        Files.writeString(log, """
                model,args,engine_version,weights_gib,non_torch_gib,kv_cache_tokens
                Qwen3-8B,--max-model-len 32768,0.23.0,15.27,3.22,386400
                """);
        assertThat(MeasuredHere.learn(file, server, RELEASE, "", log)).isEqualTo("1 starts");
        var other = KnownModels.find("Qwen3-32B").card();
        var known = MeasuredHere.of(file, server, other, RELEASE);
        var on = instance(other, server, VllmArgs.of());
        double gib = 1L << 30;
        assertThat(MemoryModel.of(on, known.constants()).nonTorch() / gib)
                .isGreaterThan(MemoryModel.of(on).nonTorch() / gib + 1);
        assertThat(MemoryModel.of(on, known.constants()).kvTokens().value())
                .isLessThan(MemoryModel.of(on).kvTokens().value());
    }

    @Test
    void a_file_that_teaches_nothing_is_refused_with_what_would() throws Exception {
        var file = home.resolve("notes.txt");
        Files.writeString(file, "INFO 11-24 03:03:17 nothing here\n");
        assertThatThrownBy(() -> MeasuredHere.learn(MeasuredHere.file(home, H100), H100, RELEASE, "", file))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("notes.txt")
                .hasMessageContaining("GPU KV cache size")
                .hasMessageContaining("elapsed_ms");
    }
}
