package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bestfit.args.ArgsText;
import bestfit.config.ConfigException;
import bestfit.hardware.Interconnect;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.perf.MemoryModel.Verdict;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What stays in host memory by vLLM's offloaders (model_executor/offloader), and what that costs. */
class WeightOffloadTest {
    private static final double GIB = 1L << 30;

    private static Instance instance(String model, String server, String version, int tp, int pp, String args) {
        var card = KnownModels.find(model).card();
        var spec = ServerSpec.parse(server);
        var settings = EngineSettings.of(card, spec.gpu(), EngineVersion.of(version), ArgsText.read("--args", args));
        return new Instance(card, settings, spec.gpu(), spec.link(), tp, pp);
    }

    private static double hostGib(String model, int tp, int pp, String args) {
        return MemoryModel.of(instance(model, "8xH100-SXM", "0.23.0", tp, pp, args))
                        .host()
                / GIB;
    }

    private static StepTime decode(Instance on, double requests) {
        return new StepTimeModel(on, Constants.shipped()).of(Step.decode(requests, 500));
    }

    /**
     * Parameters of a layer of Qwen3-8B: queries, keys and values 4096 × 6144, output 4096 × 4096, gate and up 4096 × 24576, down 12288 ×
     * 4096, of two bytes: 48, 32, 192 and 96 MiB. The one that reaches the budget is taken whole.
     */
    @ParameterizedTest
    @CsvSource({
        "--cpu-offload-gb 0.01, 0.0469",
        "--cpu-offload-gb 0.05, 0.0781",
        "--cpu-offload-gb 0.1, 0.2656",
        "--cpu-offload-gb 0.36, 0.4063",
        "--cpu-offload-gb 4, 4.0002",
        "--cpu-offload-gb 4 --cpu-offload-params down_proj, 3.375",
        "--cpu-offload-gb 4 --cpu-offload-params mlp.down, 0",
        "--cpu-offload-gb 100, 12.9375",
    })
    void whole_parameters_until_the_budget_is_reached(String args, double gib) {
        assertThat(hostGib("Qwen3-8B", 1, 1, args)).isCloseTo(gib, within(0.002));
    }

    /** Each GPU has the budget for itself; embedding and output matrix are no layers', 1.16 GiB each. */
    @Test
    void the_budget_is_each_gpus() {
        assertThat(hostGib("Qwen3-8B", 2, 1, "--cpu-offload-gb 4")).isCloseTo(4.05, within(0.06));
        assertThat(hostGib("Qwen3-8B", 2, 1, "--cpu-offload-gb 100")).isCloseTo(12.94 / 2, within(0.01));
        assertThat(hostGib("Qwen3-8B", 1, 2, "--cpu-offload-gb 100")).isCloseTo(12.94 / 2, within(0.01));
        var left = MemoryModel.of(instance("Qwen3-8B", "1xH100-SXM", "0.23.0", 1, 1, "--cpu-offload-gb 100"));
        assertThat(left.weights() / GIB).isCloseTo(2 * 1.16, within(0.02));
        assertThat(left.reason()).contains("weights 2.3 (12.9 more in host memory)");
    }

    /** What the flag is for (vLLM's help): 13 B in 16 bits on a card of 24 GB. */
    @Test
    void a_model_fits_that_would_not() {
        var without = MemoryModel.of(instance("Qwen/Qwen3-14B", "RTX 4090", "0.23.0", 1, 1, "--max-model-len 8192"));
        assertThat(without.verdict()).isEqualTo(Verdict.NO);
        var on = instance("Qwen/Qwen3-14B", "RTX 4090", "0.23.0", 1, 1, "--max-model-len 8192 --cpu-offload-gb 10");
        var with = MemoryModel.of(on);
        assertThat(with.verdict()).isEqualTo(Verdict.YES);
        assertThat(with.kvTokens().value() - without.kvTokens().value())
                .as("the spared memory is KV cache")
                .isGreaterThan(8192);
    }

    /** r/Vllm, November 2025: Qwen2-7B on an RTX 4090 makes 56.87 tokens/s, and 1.65 with all that can be offloaded. */
    @Test
    void decoding_at_the_speed_of_pcie_as_measured() {
        var on = instance("Qwen/Qwen2-7B", "RTX 4090", "0.11.0", 1, 1, "--cpu-offload-gb 20");
        var time = decode(on, 1);
        assertThat(1 / time.seconds()).isCloseTo(1.65, Percentage.withPercentage(10));
        assertThat(time.hostMemory()).isGreaterThan(0.9 * time.seconds());
        var pcie = Interconnect.pcie(Interconnect.Kind.PCIE4, 8, false);
        var lanes = new Instance(on.card(), on.settings(), on.gpu(), pcie, 1, 1);
        assertThat(decode(lanes, 1).hostMemory()).isCloseTo(2 * time.hostMemory(), Percentage.withPercentage(5));
    }

    /** An H200, 2026-11-30: a product of up to 256 rows reads host memory once, one of 1,024 four times, of 2,048 eight times. */
    @Test
    void a_long_prompt_reads_again_for_each_tile() {
        var on = instance("Qwen3-8B", "1xH200", "0.23.0", 1, 1, "--cpu-offload-gb 10");
        var model = new StepTimeModel(on, Constants.shipped());
        double one = model.of(Step.decode(1, 500)).hostMemory();
        assertThat(one).isCloseTo(10 * GIB / (0.7 * 64e9), Percentage.withPercentage(5));
        for (int tokens : new int[] {256, 1024, 2048, 8192}) {
            assertThat(model.of(new Step(tokens, tokens * tokens / 2.0, 0, 0)).hostMemory())
                    .as("%s tokens", tokens)
                    .isCloseTo(one * tokens / 256, Percentage.withPercentage(10));
        }
    }

    /** V0 copies every layer whole, V1 reads active experts alone (vLLM's pull requests 6496 and 15354). */
    @Test
    void experts_that_no_token_needs_are_not_read_but_copied() {
        var args = "--cpu-offload-gb 40";
        double read = decode(instance("Qwen/Qwen3-30B-A3B", "1xH100-SXM", "0.23.0", 1, 1, args), 1)
                .hostMemory();
        double copied = decode(instance("Qwen/Qwen3-30B-A3B", "1xH100-SXM", "0.8.1", 1, 1, args), 1)
                .hostMemory();
        assertThat(copied).isCloseTo(40 * GIB / (0.8 * 64e9), Percentage.withPercentage(5));
        assertThat(read).isLessThan(copied / 5);
        assertThat(decode(instance("Qwen/Qwen3-30B-A3B", "1xH100-SXM", "0.23.0", 1, 1, args), 512)
                        .hostMemory())
                .isGreaterThan(5 * read);
    }

    /** Of eight layers the last two: 8 of the 36 (4 groups), 368 MiB each, of which two more buffers stay on the GPU. */
    @Test
    void prefetching_hides_what_the_layers_between_cover() {
        var args = "--offload-group-size 8 --offload-num-in-group 2 --offload-prefetch-step 2";
        var on = instance("Qwen3-8B", "1xH100-SXM", "0.23.0", 1, 1, args);
        assertThat(MemoryModel.of(on).host() / GIB).isCloseTo(8 * 368 / 1024.0, within(0.01));
        var model = new StepTimeModel(on, Constants.shipped());
        double all = 8 * 368 * GIB / 1024 / (0.8 * 64e9);
        double decode = model.of(Step.decode(1, 500)).hostMemory();
        assertThat(decode).isBetween(0.8 * all, all);
        assertThat(model.of(new Step(8192, 8192 * 4096.0, 0, 0)).hostMemory()).isZero();
        var late = instance("Qwen3-8B", "1xH100-SXM", "0.23.0", 1, 1, args.replace("step 2", "step 1"));
        assertThat(new StepTimeModel(late, Constants.shipped())
                        .of(new Step(8192, 8192 * 4096.0, 0, 0))
                        .hostMemory())
                .as("one of two has no buffer")
                .isCloseTo(all / 2, Percentage.withPercentage(1));
        assertThat(MemoryModel.of(late).kvTokens().value())
                .isGreaterThan(MemoryModel.of(on).kvTokens().value());
    }

    @Test
    void what_vllm_would_refuse_is_told_at_once() {
        for (var value : new String[] {"-1", "x", "nan", "inf", "1e999", "5f"}) {
            assertThatThrownBy(() -> instance("Qwen3-8B", "H100", "0.23.0", 1, 1, "--cpu-offload-gb " + value))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("--cpu-offload-gb " + value + " must be a number of GiB of at least 0");
        }
        assertThatThrownBy(() -> instance(
                        "Qwen3-8B",
                        "H100",
                        "0.23.0",
                        1,
                        1,
                        "--offload-backend disk --offload-group-size 2 --cpu-offload-gb -3"))
                .hasMessageContainingAll("--offload-backend disk is not known", "--cpu-offload-gb -3");
        assertThatThrownBy(() ->
                        instance("Qwen3-8B", "H100", "0.23.0", 1, 1, "--offload-group-size 2 --offload-num-in-group 3"))
                .hasMessageContaining("--offload-num-in-group 3 must be at most");
        assertThatThrownBy(() -> instance("Qwen3-8B", "H100", "0.8.1", 1, 1, "--offload-group-size 8"))
                .hasMessageContaining("--offload-group-size is not there in vLLM 0.8.1");
    }
}
