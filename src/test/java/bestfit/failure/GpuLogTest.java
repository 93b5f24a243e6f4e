package bestfit.failure;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.failure.FailureClassifier.End;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Logs that vLLM 0.23.0 wrote on one, two and four H200s, 2026-11-29, by {@code bench/gpu-vllm}: paths and tracebacks shortened, no line changed. */
class GpuLogTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            kv-too-small | kv-too-small  | 1 | ValueError: To serve at least one request with the model's max seq len (40960), (5.62 GiB
            no-kv        | kv-too-small  | 1 | ValueError: No available memory for the cache blocks.
            memory-taken | out-of-memory | 1 | ValueError: Free memory on device cuda:0 (7.84/139.8 GiB) on startup is less than desired
            two-devices  | device-count  | 1 | Value error, World size (2) is larger than the number of available GPUs (1) in this node.
            too-long     | bad-arg       | 1 | Value error, User-specified max_model_len (400000) is greater than the derived
            unknown-flag | bad-arg       | 2 | api_server.py: error: unrecognized arguments: --no-such-flag
            """)
    void wrongStart(String log, String kind, int exitCode, String line) throws IOException {
        var failure = FailureClassifier.classify(lines(log), new End.ExitAtStart(exitCode));
        assertThat(failure.name()).isEqualTo(kind);
        assertThat(failure.line()).startsWith(line);
    }

    /** EngineCore was killed and so wrote no stack trace for its API server to point at. */
    @Test
    void killedEngine_isSaidToBeGone_notToHaveAStackTrace() throws IOException {
        var log = lines("engine-killed");
        assertThat(FailureClassifier.engineDead(log)).isTrue();
        var failure = FailureClassifier.classify(log, new End.ExitWhileServing(0));
        assertThat(failure.name()).isEqualTo("died-under-load");
        assertThat(failure.line()).isEqualTo("[shutdown] MPClient: engine core exited unexpectedly; starting cleanup");
    }

    /** TP 2 on two GPUs, TP 4 on four: what EngineCore then failed over says only that it failed, or that it was cancelled. */
    @ParameterizedTest
    @CsvSource({"worker-killed, VllmWorker-1", "worker-killed-of-four, VllmWorker-3"})
    void killedWorker_isTheCause_notTheExecutorThatLostIt(String log, String worker) throws IOException {
        var failure = FailureClassifier.classify(lines(log), new End.ExitWhileServing(0));
        assertThat(failure.name()).isEqualTo("died-under-load");
        assertThat(failure.line()).isEqualTo("Worker proc " + worker + " died unexpectedly, shutting down executor.");
    }

    private static List<String> lines(String name) throws IOException {
        try (var in = GpuLogTest.class.getResourceAsStream(name + ".log")) {
            assertThat(in).isNotNull();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }
}
