package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked // a figure that is missing should fail here
class MeasuredHereTest {
    @TempDir
    private Path home;

    private static String table() throws IOException {
        try (var in = MeasuredHereTest.class.getResourceAsStream("h100_vllm.csv")) {
            return new String(java.util.Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** From one measured config of the H100 the other bf16 ones within 10 %, median, for each choice of the one. */
    @Test
    void one_measured_config_predicts_the_others_of_its_server() throws IOException {
        var lines = table().lines().toList();
        var server = ServerSpec.parse("H100-SXM");
        var card = KnownModels.find("Qwen3-8B").card();
        var errors = new ArrayList<Double>();
        for (int learnt = 1; learnt <= 8; learnt++) {
            var file = MeasuredHere.file(home.resolve("home" + learnt), server);
            assertThat(MeasuredHere.add(file, "table", lines.getFirst() + "\n" + lines.get(learnt)))
                    .isEqualTo(1);
            assertThat(MeasuredHere.add(file, "table", lines.getFirst() + "\n" + lines.get(learnt)))
                    .isZero();
            var known = MeasuredHere.of(file, server, card, EngineVersion.of("0.23.0"));
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

    @Test
    void another_release_or_model_learns_nothing_from_it() throws IOException {
        var server = ServerSpec.parse("H100-SXM");
        var file = MeasuredHere.file(home, server);
        MeasuredHere.add(file, "table", table());
        assertThat(MeasuredHere.of(file, server, KnownModels.find("Qwen3-8B").card(), EngineVersion.of("0.11.0"))
                        .basis())
                .isEmpty();
        assertThat(MeasuredHere.of(file, server, KnownModels.find("Qwen3-32B").card(), EngineVersion.of("0.23.0"))
                        .basis())
                .isEmpty();
    }
}
