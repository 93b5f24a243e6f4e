package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.model.Model;
import bestfit.model.ModelSpec;
import bestfit.model.Models;
import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineArgsTest {
    private static EngineArgs read(String line) throws ArgumentError {
        return EngineArgs.read(Arrays.asList(line.split(" ", -1)), OptionalInt.of(4));
    }

    @Test
    void everySpellingOfVllm_isRead() throws ArgumentError {
        var args = read("tiny -tp 2 --pipeline_parallel_size=2 --max-model-len 4k --max-num-batched-tokens 4K"
                + " --no-enable-prefix-caching --no-enable-chunked-prefill --served-model-name a b --seed 1 --seed 2");
        assertThat(args.tensorParallel()).isEqualTo(2);
        assertThat(args.pipelineParallel()).isEqualTo(2);
        assertThat(args.maxModelLen()).hasValue(4000);
        assertThat(args.maxNumBatchedTokens()).hasValue(4096);
        assertThat(args.prefixCaching()).isFalse();
        assertThat(args.chunkedPrefill()).contains(false);
        assertThat(args.servedNames()).isEqualTo(List.of("a", "b"));
        assertThat(args.seed()).isEqualTo(2);
        assertThat(read("tiny --engine-version 0.8.1 --enable-chunked-prefill=False")
                        .chunkedPrefill())
                .contains(false);
        var numbers =
                read("tiny -O3 --max-num-seqs 1_000 --block-size +8 --gpu-memory-utilization 9e-1 --max-model-len 1g");
        assertThat(numbers.given()).containsEntry("optimization_level", "3");
        assertThat(read("tiny -O 2").given()).containsEntry("optimization_level", "2");
        assertThat(numbers.maxNumSeqs()).hasValue(1000);
        assertThat(numbers.blockSize()).isEqualTo(8);
        assertThat(numbers.memoryUtilization()).isEqualTo(0.9);
        assertThat(numbers.maxModelLen()).hasValue(1_000_000_000);
        assertThat(read("--model tiny --dtype bfloat16 --port 5000 --host 0.0.0.0")
                        .model())
                .isEqualTo("tiny");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tiny --no-such-flag 3 --port 1 | unrecognized arguments: --no-such-flag 3
            tiny extra                     | unrecognized arguments: extra
            tiny --dtype bogus             | argument --dtype: invalid choice: 'bogus' (choose from 'auto',
            tiny --max-num-seqs many       | argument --max-num-seqs: invalid int value: 'many'
            tiny --max-num-seqs 4k         | argument --max-num-seqs: invalid int value: '4k'
            tiny --max-model-len many      | argument --max-model-len: invalid human_readable_int_or_auto value: 'many'
            tiny --max-model-len 1.5K      | argument --max-model-len: Decimals are not allowed with binary suffixes like K. Did you mean to use 1.5k instead?
            tiny --override-generation-config x | argument --override-generation-config: Value x cannot be converted to <function loads>.
            tiny --port                    | argument --port: expected one argument
            tiny --api-key --port 1        | argument --api-key: expected at least one argument
            --port 3                       | the following arguments are required: MODEL
            tiny --device-memory big       | argument --device-memory: invalid size: 'big'
            tiny --fault explode           | argument --fault: invalid value: 'explode'
            tiny --swap-space 4            | unrecognized arguments: --swap-space 4
            tiny --disable-log-requests    | unrecognized arguments: --disable-log-requests
            tiny --engine-version 0.23 --watermark 0.1 | unrecognized arguments: --watermark 0.1
            tiny --max-num-partial-prefills 2 | unrecognized arguments: --max-num-partial-prefills 2
            tiny --runner bogus            | argument --runner: invalid choice: 'bogus' (choose from 'auto', 'draft', 'generate', 'pooling')
            tiny --uvicorn-log-level loud  | argument --uvicorn-log-level: invalid choice: 'loud' (choose from 'critical', 'debug',
            tiny --prefix-caching-hash-algo md5 | argument --prefix-caching-hash-algo: invalid choice: 'md5'
            tiny --kv-cache-dtype int4     | argument --kv-cache-dtype: invalid choice: 'int4' (choose from 'auto', 'bfloat16',
            tiny --logprobs-mode bogus     | argument --logprobs-mode: invalid choice: 'bogus'
            tiny --enable-prefix-caching=true | argument --enable-prefix-caching/--no-enable-prefix-caching: ignored explicit argument 'true'
            tiny --enable-prefix-caching true | unrecognized arguments: true
            tiny --cudagraph-capture-sizes 1 x | argument --cudagraph-capture-sizes: invalid int value: 'x'
            tiny --cpu-offload-gb x        | argument --cpu-offload-gb: invalid float value: 'x'
            tiny --cpu-offload-gb -1       | 1 validation error for UVAOffloadConfig
            tiny --cpu-offload-gb nan      | 1 validation error for UVAOffloadConfig
            tiny --speculative-config {    | argument --speculative-config: Value { cannot be converted
            tiny --compilation-config 3    | argument --compilation-config: 1 validation error for CompilationConfig
            tiny --compilation-config {"bogus":1} | argument --compilation-config: 1 validation error for CompilationConfig: bogus: Unexpected keyword argument
            tiny --kv-cache-memory-bytes 1.5G | argument --kv-cache-memory-bytes: Decimals are not allowed with binary suffixes like G. Did you mean to use 1.5g instead?
            tiny --kv-cache-memory-bytes 256MiB | argument --kv-cache-memory-bytes: invalid human_readable_int value: '256MiB'
            tiny --compilation-config {    | argument --compilation-config: Value { cannot be converted
            tiny --collect-detailed-traces bogus | argument --collect-detailed-traces: invalid choice: 'bogus'
            tiny --allowed-origins x       | argument --allowed-origins: Value x cannot be converted
            """)
    void whatArgparseRefuses_isRefusedInItsWords(String line, String message) {
        assertThatThrownBy(() -> read(line)).isInstanceOf(ArgumentError.class).hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tiny --max-num-seqs 0              | SchedulerConfig | max_num_seqs                 | greater than or equal to 1 [type=greater_than_equal, input_value=0, input_type=int]
            tiny --stream-interval 0           | SchedulerConfig | stream_interval              | greater than or equal to 1 [type=greater_than_equal, input_value=0, input_type=int]
            tiny --block-size 0                | CacheConfig     | block_size                   | greater than 0 [type=greater_than, input_value=0, input_type=int]
            tiny -tp -1                        | ParallelConfig  | tensor_parallel_size         | greater than or equal to 1 [type=greater_than_equal, input_value=-1, input_type=int]
            tiny --gpu-memory-utilization 1.5  | CacheConfig     | gpu_memory_utilization       | less than or equal to 1 [type=less_than_equal, input_value=1.5, input_type=float]
            tiny --gpu-memory-utilization -1   | CacheConfig     | gpu_memory_utilization       | greater than 0 [type=greater_than, input_value=-1.0, input_type=float]
            tiny --watermark 1                 | SchedulerConfig | watermark                    | less than 1 [type=less_than, input_value=1.0, input_type=float]
            tiny --max-logprobs -2             | ModelConfig     | max_logprobs                 | greater than or equal to -1 [type=greater_than_equal, input_value=-2, input_type=int]
            tiny --shutdown-timeout -1         | VllmConfig      | shutdown_timeout             | greater than or equal to 0 [type=greater_than_equal, input_value=-1, input_type=int]
            """)
    void valuesBeyondTheirBounds_areRefusedInPydanticsWords(String line, String config, String field, String bound) {
        assertThatThrownBy(() -> read(line))
                .isInstanceOfSatisfying(
                        ArgumentError.class,
                        error -> assertThat(error.isInConfig()).isTrue())
                .hasMessage("1 validation error for " + config + "\n" + field + "\n  Input should be " + bound);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tiny --port 70000                           | OverflowError: bind(): port must be 0-65535.
            tiny --port -1                              | OverflowError: bind(): port must be 0-65535.
            tiny --enable-auto-tool-choice              | TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser
            tiny --distributed-executor-backend threads | not enough values to unpack (expected 2, got 1)
            tiny --attention-backend bogus              | ValueError: Unknown attention backend: 'BOGUS'. Valid options are: FLASH_ATTN,
            tiny --reasoning-parser Bogus               | KeyError: "Reasoning parser 'Bogus' not found. Available parsers: beam, cohere_command3,
            tiny --config-format bogus                  | Unknown config format `bogus`.
            tiny -O9                                    | Input should be 0, 1, 2 or 3 [type=enum, input_value='9', input_type=str]
            tiny --gpu-memory-utilization nan           | less than or equal to 1 [type=less_than_equal, input_value=nan, input_type=float]
            """)
    void whatIsFoundOnlyAfterTheParser_endsWithOne(String line, String message) {
        assertThatThrownBy(() -> read(line))
                .isInstanceOfSatisfying(
                        ArgumentError.class,
                        error -> assertThat(error.isInConfig()).isTrue())
                .hasMessageContaining(message);
    }

    @Test
    void flagsCutShort_areCompleted_whereOneAloneBeginsSo() throws ArgumentError {
        var args = read("tiny --max-num-se 3 --tensor=2 --no-enable-prefix --max_model 256 --watermark 0.25");
        assertThat(args.maxNumSeqs()).hasValue(3);
        assertThat(args.tensorParallel()).isEqualTo(2);
        assertThat(args.prefixCaching()).isFalse();
        assertThat(args.maxModelLen()).hasValue(256);
        assertThat(args.watermark()).isEqualTo(0.25);
        assertThatThrownBy(() -> read("tiny --device cpu"))
                .hasMessageContaining("ambiguous option: --device could match ")
                .hasMessageContaining("--device-ids");
        assertThatThrownBy(() -> read("tiny --max-num-s=8"))
                .hasMessageContaining("ambiguous option: --max-num-s=8 could match ")
                .hasMessageContaining("--max-num-seqs")
                .hasMessageContaining("--max-num-scheduled-tokens");
        assertThat(read("tiny --seed -3").seed()).isEqualTo(-3);
        assertThat(read("tiny --no-scheduler-reserve-full-isl").reserveFullIsl())
                .isFalse();
        assertThat(read("tiny --engine-version 0.15.1").reserveFullIsl()).isFalse();
    }

    @Test
    void faults_countForTheirLayoutOnly() throws ArgumentError {
        var args = read("tiny -tp 2 --fault tp=2:die:50,pp=2:exit,slow:20");
        assertThat(args.faults()).containsExactly(new Fault(Fault.Kind.DIE, 50), new Fault(Fault.Kind.SLOW, 20));
    }

    private static final ModelSpec SIX_HEADS = ModelSpec.parse("six/config.json", """
            {"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3","hidden_size":192,"num_hidden_layers":3,
             "num_attention_heads":6,"num_key_value_heads":2,"head_dim":32,"intermediate_size":512,"vocab_size":2048,
             "max_position_embeddings":4096,"rms_norm_eps":1e-6,"rope_theta":10000,"tie_word_embeddings":true,
             "torch_dtype":"bfloat16"}""", null);

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -tp 4                                    | Total number of attention heads (6) must be divisible by tensor parallel size (4).
            -pp 4                                    | Total number of hidden layers (3) must be at least the pipeline parallel size (4).
            -tp 2 -pp 3                              | World size (6) is larger than the number of available GPUs (4)
            --max-model-len 5000                     | User-specified max_model_len (5000) is greater than the derived max_model_len (max_position_embeddings=4096
            --max-num-batched-tokens 8               | max_num_batched_tokens (8) must be greater than or equal to max_num_seqs (64).
            --num-gpu-blocks-override 101            | To serve at least one request with the model's max seq len (4096), (0.01 GiB KV cache is needed, which is larger than the available KV cache memory (0.0 GiB). Based on the available memory, the estimated maximum model length is 1600. Try increasing `gpu_memory_utilization`
            --device-memory 3MiB                     | CUDA out of memory. Tried to allocate
            --device-memory 8MiB                     | No available memory for the cache blocks.
            --gpu-memory-utilization 0.01            | No available memory for the cache blocks.
            --engine-version 0.23 --max-num-partial-prefills 2 | NotImplementedError: Concurrent Partial Prefill is not supported.
            --kv-cache-memory-bytes -1               | No available memory for the cache blocks.
            --num-gpu-blocks-override 0              | No available memory for the cache blocks.
            --runner pooling                         | The embedded engine does not support --runner pooling
            --quantization fp8                       | The embedded engine does not support --quantization fp8
            """)
    void configThatCannotRun_failsInVllmsWords(String line, String message) throws ArgumentError {
        var args = read("six --max-num-seqs 64 " + line);
        assertThatThrownBy(() -> EngineConfig.decide(args, new Model("six", null, SIX_HEADS)))
                .isInstanceOf(StartFailure.class)
                .hasMessageContaining(message);
    }

    @Test
    void throughputMode_doublesTheLimitsThatAreNotGiven() throws ArgumentError, StartFailure {
        var tiny = Models.find("tiny");
        var usual = EngineConfig.decide(read("tiny --simulate 1xL4"), tiny);
        var twice = EngineConfig.decide(read("tiny --simulate 1xL4 --performance-mode throughput"), tiny);
        assertThat(twice.maxNumSeqs()).isEqualTo(2 * usual.maxNumSeqs());
        assertThat(twice.maxNumBatchedTokens()).isEqualTo(2 * usual.maxNumBatchedTokens());
        var given = read("tiny --simulate 1xL4 --performance-mode throughput --max-num-seqs 16");
        assertThat(EngineConfig.decide(given, tiny).maxNumSeqs()).isEqualTo(16);
        assertThatThrownBy(() -> read("tiny --performance-mode fast"))
                .hasMessageContaining("argument --performance-mode: invalid choice: 'fast'");
    }

    @Test
    void schedulersOwnFlags_reachTheScheduler() throws ArgumentError, StartFailure {
        var tiny = Models.find("tiny");
        var old = read("tiny --engine-version 0.8.1 --simulate 1xH100 --enable-chunked-prefill"
                + " --max-num-partial-prefills 3 --max-long-partial-prefills 2");
        var v0 = EngineConfig.decide(old, tiny).scheduler();
        assertThat(v0.partialPrefills()).isEqualTo(new PartialPrefills(3, 2));
        assertThat(v0.longPrefillTokenThreshold()).as("4 % of 8192").isEqualTo(327);

        for (var line : List.of("", "--no-async-scheduling", "-pp 2", "--engine-version 0.13.0")) {
            var args = read(("tiny --simulate 2xH100 " + line).strip());
            assertThat(EngineConfig.decide(args, tiny).scheduler().async())
                    .as(line)
                    .isEqualTo(line.isEmpty());
        }
        assertThat(EngineConfig.decide(read("tiny --async-scheduling"), tiny)
                        .scheduler()
                        .async())
                .as("on this machine's cores, as on vLLM's CPU platform")
                .isFalse();
    }

    @Test
    void moreDevices_leaveMoreRoomForTheCache() throws ArgumentError, StartFailure {
        var tiny = Models.find("tiny");
        var tokens = Stream.of("tiny", "tiny -tp 2", "tiny -pp 2").map(line -> {
            try {
                return EngineConfig.decide(read(line), tiny).kvTokens();
            } catch (ArgumentError | StartFailure e) {
                throw new AssertionError(e);
            }
        });
        var counts = tokens.toList();
        assertThat(counts.get(1)).isGreaterThan(2 * counts.get(0));
        assertThat(counts.get(2)).isGreaterThan(2 * counts.get(0));
        assertThat(EngineConfig.decide(read("tiny --max-model-len auto --device-memory 64MiB"), tiny)
                        .maxModelLen())
                .as("cut to what the cache holds")
                .isBetween(1000, 8191);
    }
}
