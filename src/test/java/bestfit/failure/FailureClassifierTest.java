package bestfit.failure;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.failure.FailureClassifier.End;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lines that vLLM 0.8 to 0.33 really wrote, or that stand in its source. */
class FailureClassifierTest {
    /** The end of every log of a failed vLLM, whatever the cause. */
    private static final List<String> SUMMARY = List.of(
            "(EngineCore pid=27114) ERROR 11-24 02:51:35 [core.py:1510] EngineCore failed to start.",
            "(EngineCore pid=27114) ERROR 11-24 02:51:35 [core.py:1510] Traceback (most recent call last):",
            "CAUSE",
            "(APIServer pid=26000) INFO 11-24 02:51:35 [utils.py:628] [shutdown] Process manager: send sigterm to process EngineCore",
            "Traceback (most recent call last):",
            "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}");

    private static final String PREFIX = "(EngineCore pid=27114) ERROR 11-24 02:51:35 [core.py:1510] ";

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            kv-too-small    | ValueError: To serve at least one request with the model's max seq len (32768), (0.02 GiB KV cache is needed, which is larger than the available KV cache memory (0.0 GiB).
            kv-too-small    | ValueError: To serve at least one request with the models's max seq len (262144), (24.00 GiB KV cache is needed
            kv-too-small    | ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.
            kv-too-small    | ValueError: The model's max seq len (40960) is larger than the maximum number of tokens that can be stored in KV cache (20464).
            out-of-memory   | torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
            out-of-memory   | ValueError: Free memory on device cuda:0 (10.1/79.1 GiB) on startup is less than desired GPU memory utilization (0.92, 72.8 GiB).
            out-of-memory   | java.lang.OutOfMemoryError: Java heap space
            not-divisible   | Value error, Total number of attention heads (6) must be divisible by tensor parallel size (4).
            not-divisible   | AssertionError: 11008 is not divisible by 3
            not-divisible   | ValueError: Weight output_partition_size = 192 is not divisible by weight quantization block_n = 128.
            device-count    | AssertionError: Not enough allowed NUMA nodes to bind threads of 2 local CPUWorkers.
            device-count    | Value error, World size (4) is larger than the number of available GPUs (2) in this node.
            device-count    | AssertionError: please set tensor_parallel_size (4) to less than max local gpu count (2)
            unsupported     | NotImplementedError: Pipeline parallelism is not supported for this model. Supported models implement the `SupportsPP` interface.
            unsupported     | ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.
            model-not-found | OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/tmp/no/such/model'.
            bad-arg         | Value error, User-specified max_model_len (99999) is greater than the derived max_model_len (max_position_embeddings=40960)
            communication   | RuntimeError: NCCL error: unhandled cuda error
            crash-at-start  | AssertionError
            """)
    void causeInsideTheEngine_isFoundBelowTheSummary(String kind, String cause) {
        var log = SUMMARY.stream()
                .map(line -> line.equals("CAUSE") ? PREFIX + cause : line)
                .toList();
        var failure = FailureClassifier.classify(log, new End.ExitAtStart(1));
        assertThat(failure.name()).isEqualTo(kind);
        assertThat(failure.line()).isEqualTo(cause);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            bad-arg         | 2 | vllm: error: unrecognized arguments: --no-such-flag
            bad-arg         | 2 | vllm serve: error: argument --dtype: invalid choice: 'bogus' (choose from 'auto', 'half')
            bad-arg         | 2 | api_server.py: error: argument --max-num-seqs: expected one argument
            port-in-use     | 1 | OSError: [Errno 98] Address already in use
            model-not-found | 1 | huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision on the local disk and outgoing traffic has been disabled.
            model-not-found | 1 | Value error, Invalid repository ID or local directory specified: '/tmp/empty'.
            model-not-found | 1 | OSError: It looks like the config file at '/tmp/file' is not a valid JSON file.
            model-not-found | 2 | bestfit: model /no/such: no such directory; give a directory with a config.json
            cannot-launch   | 127 | setsid: failed to execute /no/such/python: No such file or directory
            """)
    void lastLine_isTheCause_whenTheProgramRefuses(String kind, int exitCode, String line) {
        var log = List.of("usage: vllm serve [model_tag] [options]", line);
        var failure = FailureClassifier.classify(log, new End.ExitAtStart(exitCode));
        assertThat(failure.name()).isEqualTo(kind);
        assertThat(failure.line()).isEqualTo(line);
    }

    @Test
    void workersError_isTheCause_notTheEnginesReportOfIt() {
        var failure = FailureClassifier.classify(
                List.of(
                        "(Worker_TP1 pid=9) ERROR 11-24 02:51:30 [multiproc_executor.py:1] WorkerProc failed to start.",
                        "(Worker_TP1 pid=9) ERROR 11-24 02:51:30 [multiproc_executor.py:1] RuntimeError: no kernel image",
                        "(EngineCore pid=8) ERROR 11-24 02:51:31 [core.py:1] Exception: WorkerProc initialization failed due to"
                                + " an exception in a background process. See stack trace for root cause.",
                        "RuntimeError: Engine core initialization failed. See root cause above."),
                new End.ExitAtStart(1));
        assertThat(failure).isInstanceOf(Failure.CrashAtStart.class);
        assertThat(failure.line()).isEqualTo("RuntimeError: no kernel image");
    }

    @Test
    void threeWaysToFail_areThreeClasses() {
        var log = List.of("INFO 11-24 02:37:48 [api_utils.py:347] version 0.32.0");
        assertThat(FailureClassifier.classify(log, new End.ExitAtStart(1)).name())
                .isEqualTo("crash-at-start");
        assertThat(FailureClassifier.classify(log, new End.NotReadyInTime(Duration.ofMinutes(1)))
                        .name())
                .isEqualTo("start-timeout");
        assertThat(FailureClassifier.classify(log, new End.ExitWhileServing(0)).name())
                .isEqualTo("died-under-load");
    }

    @Test
    void deathUnderLoad_showsTheEnginesError_notTheClientsMistakes() {
        var failure = FailureClassifier.classify(
                List.of(
                        "(EngineCore pid=5) ERROR 11-24 02:56:16 [core.py:1512] EngineCore encountered a fatal error.",
                        "(EngineCore pid=5) ERROR 11-24 02:56:16 [core.py:1512] AssertionError: lost a block",
                        "(APIServer pid=4) ERROR 11-24 02:56:16 [async_llm.py:906] AsyncLLM output_handler failed.",
                        "(APIServer pid=4) ERROR 11-24 02:56:16 [async_llm.py:906] vllm.v1.engine.exceptions.EngineDeadError:"
                                + " EngineCore encountered an issue. See stack trace (above) for the root cause.",
                        "(APIServer pid=4) ERROR 11-24 02:56:17 [serving.py:274] Error with model error=ErrorInfo(message='x')",
                        "INFO:     127.0.0.1:46902 - \"POST /v1/completions HTTP/1.1\" 200 OK"),
                new End.ExitWhileServing(0));
        assertThat(failure.line()).isEqualTo("AssertionError: lost a block");
    }

    /** As vLLM 0.32 wrote it where its bfloat16 kernels met a processor without AMX: seen 2026-11-24, shortened. */
    @Test
    void workerEndedByASignal_isTheCause_notTheTracebacksThatFollow() {
        var died = "Worker proc VllmWorker-0 died unexpectedly (exit code: -4), shutting down executor.";
        var engine = "(EngineCore pid=1820) ERROR 11-24 07:51:52 ";
        var failure = FailureClassifier.classify(
                List.of(
                        engine + "[multiproc_executor.py:315] " + died,
                        engine + "[core.py:1512] EngineCore encountered a fatal error.",
                        engine + "[core.py:1512] Traceback (most recent call last):",
                        engine + "[core.py:1512]     raise RuntimeError(\"cancelled\")",
                        engine + "[core.py:1512] RuntimeError: cancelled",
                        "(APIServer pid=1379) ERROR 11-24 07:51:52 [async_llm.py:906]     raise"
                                + " self._format_exception(outputs) from None"),
                new End.ExitWhileServing(0));
        assertThat(failure.line()).isEqualTo(died);
    }

    @Test
    void silentKill_isTold() {
        var log = List.of(
                "INFO:     Application startup complete.", "ERROR 11-24 02:56:17 [serving.py:1] ValueError: old");
        var failure = FailureClassifier.classify(log, new End.ExitWhileServing(137));
        assertThat(failure.line()).isEqualTo("killed by signal 9 (the kernel does that when memory runs out)");
    }
}
