package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bestfit.args.VllmArgs;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.perf.MemoryModel.Verdict;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryModelTest {
    private static final double GIB = 1L << 30;

    private static Instance instance(String model, String server, String version, int tp, int pp, String... args) {
        var card = KnownModels.find(model).card();
        var spec = ServerSpec.parse(server);
        var settings = EngineSettings.of(card, spec.gpu(), EngineVersion.of(version), VllmArgs.of(args));
        return new Instance(card, settings, spec.gpu(), spec.link(), tp, pp);
    }

    /** Starts of vLLM 0.23.0 on one H100 SXM, measured for this project, 2026-11-24. */
    @ParameterizedTest
    @CsvSource({
        "--max-model-len 32768, 15.27, 1.29, 408256",
        "--max-model-len 8192 --max-num-batched-tokens 2048, 15.27, 1.19, 408944",
        "--max-model-len 8192 --quantization fp8, 8.80, 1.32, 455136"
    })
    void starts_measured_on_an_h100(String args, double weightsGib, double activationGib, int kvTokens) {
        var memory = MemoryModel.of(instance("Qwen3-8B", "H100-SXM", "0.23.0", 1, 1, args.split(" ")));
        assertThat(memory.weights() / GIB).isCloseTo(weightsGib, within(0.1));
        assertThat(memory.activation() / GIB).isCloseTo(activationGib, within(0.05));
        assertThat(memory.kvTokens().value()).isCloseTo(kvTokens, Percentage.withPercentage(1));
        assertThat(memory.kvTokens().low()).isLessThan(kvTokens);
        assertThat(memory.kvTokens().high()).isGreaterThan(kvTokens);
        assertThat(memory.verdict()).isEqualTo(Verdict.YES);
    }

    /** LLMServingSim, bench/examples/RTX4090/Llama-3.1-8B/vllm/meta.json (MIT): vLLM 0.19, 41,408 KV tokens. */
    @Test
    void published_start_on_an_rtx_4090() {
        var memory = MemoryModel.of(instance(
                "meta-llama/Llama-3.1-8B",
                "RTX 4090",
                "0.19.0",
                1,
                1,
                "--max-model-len",
                "16384",
                "--max-num-batched-tokens",
                "2048",
                "--max-num-seqs",
                "256"));
        assertThat(memory.kvTokens().value()).isCloseTo(41_408, Percentage.withPercentage(5));
    }

    /** The guide: two instances of four 16 GB GPUs do not hold the model's default context; eight do. */
    @Test
    void a_config_that_does_not_fit_says_by_how_much_and_what_would() {
        var half = MemoryModel.of(instance("Qwen/Qwen3-32B", "8x4070tis", "0.8.1", 4, 1));
        assertThat(half.verdict()).isEqualTo(Verdict.NO);
        assertThat(half.reason()).contains("GiB too much");
        var whole = MemoryModel.of(instance("Qwen/Qwen3-32B-FP8", "8x4070tis", "0.8.1", 8, 1));
        assertThat(whole.verdict()).isEqualTo(Verdict.YES);
    }

    /** Then the share of the memory decides nothing, but what is told must still find room on the card. */
    @Test
    void kv_space_that_a_flag_tells_is_taken() {
        var blocks = MemoryModel.of(instance(
                "Qwen3-8B", "H100-SXM", "0.23.0", 1, 1, "--num-gpu-blocks-override", "1000", "--max-model-len", "8k"));
        assertThat(blocks.kvTokens()).isEqualTo(Estimate.exactly(16_000));
        assertThat(blocks.verdict()).isEqualTo(Verdict.YES);

        var bytes = List.of("--gpu-memory-utilization", "0.3", "--kv-cache-memory-bytes");
        for (var told :
                Map.of("2G", Verdict.YES, "1g", Verdict.NO, "70G", Verdict.NO).entrySet()) {
            var args = Stream.concat(bytes.stream(), Stream.of(told.getKey(), "--max-model-len", "8k"));
            var memory = MemoryModel.of(instance("Qwen3-8B", "H100-SXM", "0.23.0", 1, 1, args.toArray(String[]::new)));
            assertThat(memory.verdict()).as(told.getKey()).isEqualTo(told.getValue());
        }
        // 36 layers of 8 heads of 128 numbers, keys and values, of two bytes: 147,456 a token.
        var two = MemoryModel.of(instance("Qwen3-8B", "H100-SXM", "0.23.0", 1, 1, "--kv-cache-memory-bytes", "2G"));
        assertThat(two.kvTokens()).isEqualTo(Estimate.exactly(14_560));
        assertThat(two.reason()).endsWith("; too few for a context of 40960; --max-model-len 14560 would fit");
    }

    @Test
    void latent_attention_is_not_cut_by_tensor_parallelism() {
        var one = instance("deepseek-ai/DeepSeek-V3", "8xH200", "0.23.0", 1, 1);
        var eight = instance("deepseek-ai/DeepSeek-V3", "8xH200", "0.23.0", 8, 1);
        assertThat(MemoryModel.kvBytesPerToken(eight, 4096)).isEqualTo(MemoryModel.kvBytesPerToken(one, 4096));
        assertThat(MemoryModel.kvBytesPerToken(one, 4096)).isEqualTo(61 * 576 * 2.0);
    }
}
