package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.args.VllmArgs;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each formula of a step against a number of its source: public operator tables, by the priors that were read off them. */
class FormulaTest {
    private static StepTimeModel priors(String name, String server, String version, int tp, int pp) {
        var card = KnownModels.find(name).card();
        var spec = ServerSpec.parse(server);
        var settings =
                EngineSettings.of(card, spec.gpu(), EngineVersion.of(version), VllmArgs.of("--max-model-len", "8192"));
        return new StepTimeModel(new Instance(card, settings, spec.gpu(), spec.link(), tp, pp), Constants.priors());
    }

    /** aiconfigurator's collectives.csv, H100 SXM, vLLM's all-reduce in a CUDA graph: 1 MiB takes 8.3, 12.8 and 15.0 µs. */
    @ParameterizedTest
    @CsvSource({"2, 8.3", "4, 12.8", "8, 15.0"})
    void all_reduce_over_nvlink(int tp, double micros) {
        var model = priors("meta-llama/Llama-3.1-70B", "8xH100-SXM", "0.23.0", tp, 1);
        assertThat(1e6 * model.allReduce(1 << 20)).isCloseTo(micros, Percentage.withPercentage(30));
    }

    /** The same file, A100 SXM, NCCL, as engines without vLLM's own all-reduce use it: 8 KiB takes 11.0, 14.7 and 21.3 µs. */
    @ParameterizedTest
    @CsvSource({"2, 11.0", "4, 14.7", "8, 21.3"})
    void all_reduce_of_other_engines(int tp, double micros) {
        var card = KnownModels.find("meta-llama/Llama-3.1-70B").card();
        var spec = ServerSpec.parse("8xA100");
        var settings = EngineSettings.of(card, spec.gpu(), EngineVersion.OTHER_ENGINE, VllmArgs.of());
        var on = new Instance(card, settings, spec.gpu(), spec.link(), tp, 1);
        assertThat(1e6 * new StepTimeModel(on, Constants.priors()).allReduce(8 << 10))
                .isCloseTo(micros, Percentage.withPercentage(15));
    }

    /** LLMServingSim's moe.csv, Qwen3-30B-A3B on an RTX PRO 6000: a layer of 256 tokens takes 875 µs, of 2,048 1,067 µs. */
    @ParameterizedTest
    @CsvSource({"256, 875", "2048, 1067"})
    void experts_of_a_layer(int tokens, double micros) {
        var with = priors("Qwen/Qwen3-30B-A3B", "RTX PRO 6000", "0.23.0", 1, 1);
        double layer = with.expertSeconds(tokens);
        assertThat(1e6 * layer).isCloseTo(micros, Percentage.withPercentage(25));
    }

    /** The tables' decode attention on an H100 draws 0.85 to 0.93 of 3,350 GB/s: 256 requests of 8,192 tokens of Llama-3.1-8B. */
    @Test
    void decode_attention_reads_the_cache_once() {
        var model = priors("meta-llama/Llama-3.1-8B", "H100-SXM", "0.23.0", 1, 1);
        double cache = 256 * 8192.0 * 32 * 2 * 8 * 128 * 2;
        double seconds = model.of(Step.decode(256, 8192)).attention();
        assertThat(cache / seconds / 3350e9).isBetween(0.80, 0.93);
    }

    /** The tables' prefill attention on an H100: 0.52 of 989 TFLOPS at 8,192 tokens; 4·pairs·heads·128 operations a layer. */
    @Test
    void prefill_attention_multiplies_half_the_square() {
        var model = priors("meta-llama/Llama-3.1-8B", "H100-SXM", "0.23.0", 1, 1);
        double pairs = 8192 * 8193.0 / 2;
        double seconds = model.of(new Step(8192, pairs, 0, 0)).attention();
        assertThat(32 * 4 * pairs * 32 * 128 / seconds / 989e12).isCloseTo(0.52, Percentage.withPercentage(5));
    }

    /**
     * V0's decode attention, one thread block a request and KV head: ten requests on one KV head each leave 56 of an RTX 4070
     * Ti SUPER's 66 multiprocessors idle; a hundred leave none.
     */
    @Test
    void few_requests_leave_most_of_a_gpu_idle_under_v0() {
        var model = priors("Qwen/QwQ-32B", "8x4070tis", "0.8.1", 8, 1);
        double ten = model.of(Step.decode(10, 2000)).attention()
                - model.of(Step.decode(10, 0)).attention();
        double hundred = model.of(Step.decode(100, 2000)).attention()
                - model.of(Step.decode(100, 0)).attention();
        assertThat(10 * ten / hundred).isCloseTo(6.6, Percentage.withPercentage(2));
    }

    /**
     * LLMServingSim's attention table, Llama-3.1-8B on an RTX 4090 (vLLM 0.19, FlashAttention 2): what decodes add to a prompt of
     * 512 tokens, µs a layer. Alone they take 323, 606, 1,180 and 325: memory read once.
     */
    @ParameterizedTest
    @CsvSource({"128, 512, 834", "128, 1024, 1504", "128, 2048, 4538", "32, 2048, 586"})
    void decodes_beside_a_prompt_cost_a_tile_each(int requests, int context, double micros) {
        var model = priors("meta-llama/Llama-3.1-8B", "4090", "0.19.0", 1, 1);
        assertThat(1e6 / 32 * besidePrompt(model, requests, context)).isCloseTo(micros, Percentage.withPercentage(25));
    }

    /** FlashAttention 3 takes heads that share keys for rows of one tile in every step (should_pack_gqa). */
    @Test
    void decodes_beside_a_prompt_read_the_cache_once_on_hopper() {
        var model = priors("meta-llama/Llama-3.1-8B", "H100-SXM", "0.19.0", 1, 1);
        double alone = model.of(Step.decode(128, 2048)).attention()
                - model.of(Step.decode(128, 0)).attention();
        assertThat(besidePrompt(model, 128, 2048)).isCloseTo(alone, Percentage.withPercentage(0.1));
    }

    private static double besidePrompt(StepTimeModel model, int requests, int context) {
        return model.of(Step.mixed(512, 0, requests, context)).attention()
                - model.of(Step.mixed(512, 0, 0, 0)).attention();
    }

    /** vLLM's Triton kernel for weights scaled by blocks reaches 0.20 to 0.24 of the data sheet's FP8 arithmetic (pull request 23280). */
    @Test
    void blocks_of_eight_bits_without_a_kernel_for_the_gpu() {
        var card = KnownModels.find("Qwen/Qwen3-8B-FP8").card();
        var model = priors("Qwen/Qwen3-8B-FP8", "L40S", "0.19.0", 1, 1);
        double parameters = card.layers() * (double) (card.attentionParameters() + card.denseFfnParameters());
        double seconds = model.of(new Step(8192, 8192 * 8193.0 / 2, 0, 0)).weights();
        assertThat(2 * parameters * 8192 / seconds / 733e12).isBetween(0.19, 0.24);
    }
}
