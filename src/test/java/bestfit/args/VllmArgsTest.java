package bestfit.args;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VllmArgsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--tensor-parallel-size 4",
                "--tensor-parallel-size=4",
                "--tensor_parallel_size 4",
                "--tensor_parallel_size=4",
                "-tp 4",
                "-tp=4",
                "--tensor 4",
                "--tensor_par=4",
                "--tensor-parallel-size 2 -tp 4"
            })
    void everySpelling_ofTensorParallel_isRead(String line) {
        assertThat(VllmArgs.of(line.split(" ")).tensorParallel()).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-tp 2 -pp 2",
                "-tp 2 -dp 2",
                "--data-parallel-size=4",
                "-pcp 4",
                "--pipeline 2 --prefill-context 2"
            })
    void everyKindOfParallelism_takesDevices(String line) {
        assertThat(VllmArgs.of(line.split(" ")).devicesPerInstance()).isEqualTo(4);
    }

    @ParameterizedTest
    @CsvSource({
        "-q, false, true",
        "--enable-prefix-caching, true, true",
        "--no-enable-prefix-caching, false, false",
        "--enable-prefix-caching=False, false, false",
        "--enable-prefix-caching --no-enable-prefix-caching, false, false",
        "--no-enable-prefix-caching --enable-prefix-cach, true, true"
    })
    void switch_isWhatWasSaidLast(String line, boolean elseOff, boolean elseOn) {
        var args = VllmArgs.of(line.split(" "));
        assertThat(args.on("enable-prefix-caching", false)).isEqualTo(elseOff);
        assertThat(args.on("enable-prefix-caching", true)).isEqualTo(elseOn);
    }

    @Test
    void abbreviation_ofSeveralFlags_isNone() {
        assertThat(VllmArgs.of("--data-parallel-s", "4").dataParallel()).isEqualTo(1);
    }

    @Test
    void merge_mandatoryFirst_oursOnlyWhereKeyIsAbsent() {
        var merged = VllmArgs.merge(
                VllmArgs.of("--kv-cache-dtype", "fp8", "--enable-auto-tool-choice"),
                VllmArgs.of("--kv-cache-dtype", "auto", "stray", "--max-num-seqs", "8", "--enable-auto-tool-choice"));
        assertThat(merged.list())
                .containsExactly("--kv-cache-dtype", "fp8", "--enable-auto-tool-choice", "--max-num-seqs", "8");
    }

    @Test
    void negativeNumber_isAValue_notAFlag() {
        assertThat(VllmArgs.of("--seed", "-1", "--max-num-seqs", "8").value("--seed"))
                .contains("-1");
    }
}
