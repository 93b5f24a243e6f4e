package bestfit.args;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.args.ArgSpec.Presence;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArgCatalogueTest {
    @ParameterizedTest
    @CsvSource({
        "-tp=4, MAY_MOVE_LAST_BITS, 0.8.1, THERE, 1",
        "--max_num_seqs, PERFORMANCE, 0.8.1, THERE, '256 (V0), 1024 (V1)'",
        "--gpu-memory-utilization, PERFORMANCE, 0.33, THERE, 0.92",
        "--gpu-memory-utilization, PERFORMANCE, 0.8.1, THERE, 0.9",
        "--gpu-memory-utilization, PERFORMANCE, 0.19.1, THERE, 0.9",
        "--async-scheduling, PERFORMANCE, 0.11, UNKNOWN, ",
        "--async-scheduling, PERFORMANCE, 0.9.1, ABSENT, ",
        "--swap-space, PERFORMANCE, 0.23, ABSENT, ",
        "--swap-space, PERFORMANCE, 0.15.1, THERE, ",
        "--watermark, PERFORMANCE, 0.23.0, ABSENT, 0.0",
        "--watermark, PERFORMANCE, 0.33.0, THERE, 0.0",
        "--kv-cache-dtype, CHANGES_ANSWERS, 0.33, THERE, auto",
        "--no-enable-prefix-caching, MAY_MOVE_LAST_BITS, 0.33, THERE, True",
        "--compilation-config.mode, MAY_MOVE_LAST_BITS, 0.33, THERE, {}",
        "-asc=2, PERFORMANCE, 0.33, THERE, data-parallel-size",
        "--device_memory_utilization, PERFORMANCE, 0.33, THERE, 0.92",
        "--max-num-active-seqs, MAY_MOVE_LAST_BITS, 0.32, THERE, None",
        "--max-num-partial-prefills, PERFORMANCE, 0.32, ABSENT, ",
        "--port, PLUMBING, 0.33, THERE, 8000"
    })
    void aFlagIsKnownByReleaseInEverySpelling(
            String flag, ArgEffect effect, String version, Presence presence, String absent) {
        var spec = ArgCatalogue.find(flag).orElseThrow();
        assertThat(spec.effect()).isEqualTo(effect);
        assertThat(spec.presence(version)).isEqualTo(presence);
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
