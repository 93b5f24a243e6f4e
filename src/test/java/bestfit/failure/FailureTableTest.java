package bestfit.failure;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.failure.FailureClassifier.End;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every text with which vLLM (0.8 to 0.33) is known to refuse or fail a start, one a row, in the form its source has it. */
class FailureTableTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            not-divisible   | Value error, Total number of attention heads (28) must be divisible by tensor parallel size (8).
            not-divisible   | assert self.total_num_kv_heads % tp_size == 0
            not-divisible   | assert tp_size % self.total_num_kv_heads == 0
            not-divisible   | AssertionError: 8960 is not divisible by 3
            not-divisible   | ValueError: Tensor parallel size 16 is greater than the number of experts 8.
            not-divisible   | ValueError: Weight input_size_per_partition = 1600 is not divisible by weight quantization block_k = 128.
            not-divisible   | ValueError: Weight output_partition_size = 192 is not divisible by weight quantization block_n = 128.
            not-divisible   | ValueError: The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128.
            not-divisible   | ValueError: The input_size of down's weight = 192 is not divisible by weight quantization block_k = 128.
            not-divisible   | ValueError: Weight output_size_per_partition = 96 is not divisible by  min_thread_n = 64. Consider reducing tensor_parallel_size or running with --quantization gptq.
            not-divisible   | ValueError: Weight input_size_per_partition = 96 is not divisible by  min_thread_k = 128. Consider reducing tensor_parallel_size or running with --quantization gptq.
            not-divisible   | ValueError: Weight input_size_per_partition = 96 is not divisible by group_size = 128. Consider reducing tensor_parallel_size or running with --quantization gptq.
            bad-arg         | Value error, Number of experts in the model must be greater than 0 when expert parallelism is enabled.
            bad-arg         | ValueError: len(partitions)=3 does not match pp_size=2.
            bad-arg         | Value error, Quantization method specified in the model config (fp8) does not match the quantization method specified in the `quantization` argument (awq).
            bad-arg         | Value error, User-specified max_model_len (262144) is greater than the derived max_model_len (max_position_embeddings=40960 or model_max_length=None in model's config.json).
            bad-arg         | Value error, max_num_batched_tokens (2048) is smaller than max_model_len (40960). This effectively limits the maximum sequence length
            bad-arg         | Value error, max_num_batched_tokens (64) must be greater than or equal to max_num_seqs (256).
            bad-arg         |   Input should be greater than 0 [type=greater_than, input_value=0, input_type=int]
            bad-arg         | vllm: error: unrecognized arguments: --swap-space 4
            bad-arg         | error: unrecognized arguments: --foo
            bad-arg         | api_server.py: error: argument --dtype: invalid choice: 'bogus' (choose from 'auto', 'bfloat16', 'half')
            bad-arg         | vllm serve: error: argument --max-num-seqs: expected one argument
            unsupported     | NotImplementedError: Pipeline parallelism is not supported for this model. Supported models implement the `SupportsPP` interface.
            unsupported     | Value error, Unknown quantization method: fp9. Must be one of ['awq', 'fp8'].
            unsupported     | Value error, The quantization method fp8 is not supported for the current GPU. Minimum capability: 80. Current capability: 75.
            unsupported     | Value error, torch.bfloat16 is not supported for quantization method awq. Supported dtypes: [torch.float16]
            unsupported     | ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU has compute capability 7.5. You can use float16 instead by explicitly setting the `dtype` flag in CLI, for example: --dtype=half.
            unsupported     | Value error, Model architectures ['FooForCausalLM'] are not supported for now. Supported architectures: dict_keys([])
            unsupported     | RuntimeError: Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging
            unsupported     | NotImplementedError: --preemption-mode is not supported. We recommend to remove --preemption-mode from your config.
            unsupported     | NotImplementedError: Concurrent Partial Prefill is not supported. We recommend to remove it.
            unsupported     | Value error, `ray` does not support async scheduling yet.
            unsupported     | ValueError: Failed to import Ray: No module named 'ray'.Please install Ray with `pip install ray`.
            device-count    | Value error, World size (8) is larger than the number of available GPUs (4) in this node. If this is intentional and you are using:
            device-count    | AssertionError: local_world_size (8) must be less than or equal to the number of visible devices (4).
            device-count    | AssertionError: DP adjusted local rank 4 is out of bounds.
            device-count    | ValueError: Unable to load Ray which is required for multi-node inference, please install Ray with `pip install ray`.
            device-count    | AssertionError: please set tensor_parallel_size (8) to less than max local gpu count (4)
            device-count    | AssertionError: please ensure that world_size (8) is less than than max local gpu count (4)
            device-count    | ValueError: Cannot provide a placement group requiring 8 GPUs (group_id=x) within 1800 seconds.
            device-count    | AssertionError: Not enough allowed NUMA nodes to bind threads of 2 local CPUWorkers. Allowed NUMA nodes are [0].
            out-of-memory   | ValueError: Free memory on device cuda:0 (10.1/79.1 GiB) on startup is less than desired GPU memory utilization (0.92, 72.8 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.
            out-of-memory   | torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB
            out-of-memory   | torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB
            out-of-memory   | RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.
            memory-race     | AssertionError: Error in memory profiling. Initial free memory 78.1 GiB, current free memory 78.9 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling
            kv-too-small    | ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.
            kv-too-small    | ValueError: To serve at least one request with the model's max seq len (240000), (58.6 GiB KV cache is needed, which is larger than the available KV cache memory (9.1 GiB). Based on the available memory, the estimated maximum model length is 37264.
            kv-too-small    | ValueError: To serve at least one request with the models's max seq len (240000), (58.6 GB KV cache is needed
            kv-too-small    | ValueError: The model's max seq len (40960) is larger than the maximum number of tokens that can be stored in KV cache (20464). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.
            kv-too-small    | ValueError: Cannot auto-fit max_model_len: not enough GPU memory available to serve even a single token. Try increasing `gpu_memory_utilization`.
            communication   | RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)
            communication   | torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:268
            communication   | ncclUnhandledCudaError: Call to CUDA function failed.
            communication   | [rank1]:[E1124 02:51:35] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=12)
            model-not-found | RuntimeError: Cannot find any model weights with `/models/empty`
            model-not-found | ValueError: Could not detect config format for no config file found. Ensure your model has either config.json (HF format) or params.json (Mistral format).
            model-not-found | OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/tmp/no/such/model'. Use `repo_type` argument if needed.
            model-not-found | OSError: We couldn't connect to 'https://huggingface.co' to load the files
            port-in-use     | OSError: [Errno 98] Address already in use
            cannot-launch   | /usr/bin/python3: No module named vllm
            cannot-launch   | importlib.metadata.PackageNotFoundError: No package metadata was found for vllm
            """)
    void startThatFailedSo(String kind, String line) {
        var log = List.of(
                "(APIServer pid=7) INFO 11-24 02:51:00 [api_utils.py:286] non-default args: {'port': 5001}",
                line,
                "(APIServer pid=7) INFO 11-24 02:51:36 [utils.py:628] [shutdown] Process manager: send sigterm",
                "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}");
        var failure = FailureClassifier.classify(log, new End.ExitAtStart(1));
        assertThat(failure.name()).isEqualTo(kind);
        assertThat(failure.line()).isEqualTo(line);
    }

    @Test
    void benignWarnings_areNoCause() {
        var log = List.of(
                "(Worker_TP0 pid=9) WARNING 11-24 02:51:30 [custom_all_reduce.py:1] Custom allreduce is disabled because"
                        + " your platform lacks GPU P2P capability or P2P test failed.",
                "(APIServer pid=7) WARNING 11-24 02:37:48 [system_utils.py:255] Found ulimit of 20000 and failed to"
                        + " automatically increase with error current limit exceeds maximum limit.",
                "(EngineCore pid=8) WARNING 11-24 02:51:31 [parallel.py:746] Address already in use. Retrying with a new port.",
                "WARNING 11-24 02:51:32 [vision.py:150] The number of vision attention heads is not divisible by 8",
                "(EngineCore pid=8) ERROR 11-24 02:51:35 [core.py:1510] RuntimeError: something else");
        var failure = FailureClassifier.classify(log, new End.ExitAtStart(1));
        assertThat(failure.name()).isEqualTo("crash-at-start");
        assertThat(failure.line()).isEqualTo("RuntimeError: something else");
    }

    @Test
    void nodesMessageWithoutACause_isUnknown_neverAGuess() {
        var unknown = FailureClassifier.ofMessage("vLLM process exited prematurely: None");
        assertThat(unknown.name()).isEqualTo("unknown (no log access)");
        assertThat(unknown.line()).isEqualTo("vLLM process exited prematurely: None");
        assertThat(FailureClassifier.ofMessage("vLLM process exited prematurely: CUDA out of memory. Tried to allocate")
                        .name())
                .isEqualTo("out-of-memory");
    }
}
