package bestfit.args;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArgCatalogueTest {
    @ParameterizedTest
    @CsvSource({
        "-tp=4, MAY_MOVE_LAST_BITS, 0.8.1, true, 1",
        "--max_num_seqs, PERFORMANCE, 0.8.1, true, '256 (V0), 1024 (V1)'",
        "--gpu-memory-utilization, PERFORMANCE, 0.33, true, 0.92",
        "--gpu-memory-utilization, PERFORMANCE, 0.8.1, true, 0.9",
        "--swap-space, PERFORMANCE, 0.23, false, ",
        "--swap-space, PERFORMANCE, 0.15.1, true, ",
        "--watermark, PERFORMANCE, 0.23.0, false, 0.0",
        "--watermark, PERFORMANCE, 0.33.0, true, 0.0",
        "--kv-cache-dtype, CHANGES_ANSWERS, 0.33, true, auto",
        "--no-enable-prefix-caching, MAY_MOVE_LAST_BITS, 0.33, true, True",
        "--compilation-config.mode, MAY_MOVE_LAST_BITS, 0.33, true, {}",
        "--port, PLUMBING, 0.33, true, 8000"
    })
    void aFlagIsKnownByReleaseInEverySpelling(
            String flag, ArgEffect effect, String version, boolean present, String absent) {
        var spec = ArgCatalogue.find(flag).orElseThrow();
        assertThat(spec.effect()).isEqualTo(effect);
        assertThat(spec.isIn(version)).isEqualTo(present);
        if (absent != null) {
            assertThat(spec.defaultIn(version)).contains(absent);
        }
    }

    @ParameterizedTest
    @CsvSource({"--no-such-flag", "--no-port", "word"})
    void whatIsNotListed_countsAsChangingAnswers(String flag) {
        assertThat(ArgCatalogue.find(flag)).isEmpty();
        assertThat(ArgCatalogue.effect(flag)).isEqualTo(ArgEffect.CHANGES_ANSWERS);
    }
}
