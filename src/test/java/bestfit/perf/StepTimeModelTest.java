package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.args.VllmArgs;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.ModelCard;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepTimeModelTest {
    private static StepTimeModel model(String name, String server, int tp, int pp) {
        var card = KnownModels.find(name).card();
        var spec = ServerSpec.parse(server);
        var settings = EngineSettings.of(card, spec.gpu(), EngineVersion.of("0.23.0"), VllmArgs.of());
        return new StepTimeModel(new Instance(card, settings, spec.gpu(), spec.link(), tp, pp), Constants.shipped());
    }

    /** 19,638 steps of vLLM 0.23.0 measured on an H100: 6.83 ms + 0.0485 ms per 1,000 context tokens + 0.0092 ms a request. */
    @ParameterizedTest
    @CsvSource({"1, 600", "16, 1000", "64, 1000", "256, 800"})
    void decode_steps_measured_on_an_h100(int requests, int context) {
        double measured = 6.83 + 0.0485 * requests * context / 1000 + 0.0092 * requests;
        assertThat(1e3
                        * model("Qwen3-8B", "H100-SXM", 1, 1)
                                .of(Step.decode(requests, context))
                                .seconds())
                .isCloseTo(measured, Percentage.withPercentage(20));
    }

    /** The same measurements: a prefill of 8,192 tokens takes about 205 ms. */
    @Test
    void prefill_step_measured_on_an_h100() {
        var step = new Step(8192, 8 * 1024 * 1025 / 2.0, 0, 0);
        assertThat(1e3 * model("Qwen3-8B", "H100-SXM", 1, 1).of(step).seconds())
                .isCloseTo(205, Percentage.withPercentage(15));
    }

    /** aiconfigurator's tables, RTX PRO 6000, four GPUs: an all-reduce of 8 MiB takes 462 µs. */
    @Test
    void all_reduce_over_pcie() {
        assertThat(1e6 * model("Qwen3-8B", "4xRTX PRO 6000", 4, 1).allReduce(8 << 20))
                .isCloseTo(462, Percentage.withPercentage(15));
    }

    /** LLMServingSim's moe.csv, Qwen3-30B-A3B: 2 tokens read 16 experts, 16 tokens about 82 of 128 by uniform routing. */
    @Test
    void expected_experts_of_uniform_routing() {
        var experts = new ModelCard.Experts(128, 8, 768, 0);
        assertThat(StepTimeModel.activeExperts(experts, 1)).isCloseTo(8, Percentage.withPercentage(0.1));
        assertThat(StepTimeModel.activeExperts(experts, 2)).isCloseTo(15.5, Percentage.withPercentage(1));
        assertThat(StepTimeModel.activeExperts(experts, 2048)).isCloseTo(128, Percentage.withPercentage(0.1));
    }

    /** Two of eight experts for one token over four groups: the fullest has 1.14 of them on average (2 with odds 1 in 7). */
    @Test
    void the_fullest_group_of_spread_experts() {
        var mixtral = new ModelCard.Experts(8, 2, 14336, 0);
        assertThat(StepTimeModel.activeExperts(mixtral, 1, 4)).isCloseTo(1.14, Percentage.withPercentage(5));
        assertThat(StepTimeModel.activeExperts(mixtral, 1, 1)).isCloseTo(2, Percentage.withPercentage(0.1));
        assertThat(StepTimeModel.activeExperts(mixtral, 4096, 4)).isCloseTo(2, Percentage.withPercentage(0.1));
    }

    @Test
    void a_pipeline_takes_the_next_batch_before_the_first_is_through() {
        var time = model("Qwen/Qwen3-32B", "8xH100-SXM", 1, 4).of(Step.decode(16, 1000));
        assertThat(time.slowestStage()).isLessThan(time.seconds() / 2);
    }

    /** Two H200s, vLLM 0.23, Qwen3-8B: the host threads of a pipeline's stages pass a micro-batch on every 3.6 ms (7.5 for 64), its GPUs could in 3.1 (4.3). */
    @Test
    void a_small_models_pipeline_waits_for_its_host_threads() {
        var pipeline = model("Qwen3-8B", "2xH200", 1, 2);
        assertThat(1e3 * pipeline.of(Step.decode(8, 1170)).slowestStage())
                .isCloseTo(3.6, Percentage.withPercentage(15));
        assertThat(1e3 * pipeline.of(Step.decode(64, 1170)).slowestStage())
                .isCloseTo(7.5, Percentage.withPercentage(25));
        // Four stages of nine layers: each is through sooner, all of them later.
        var longer = model("Qwen3-8B", "4xH200", 1, 4);
        assertThat(longer.of(Step.decode(4, 230)).slowestStage())
                .isLessThan(pipeline.of(Step.decode(4, 230)).slowestStage());
        // Four H200s under tune, 16 users of 200 tokens: TPOT 8.11 ms at PP 3, 8.99 at PP 4.
        assertThat(1e3 * longer.of(Step.decode(4, 230)).seconds()).isCloseTo(8.99, Percentage.withPercentage(10));
        assertThat(1e3
                        * model("Qwen3-8B", "4xH200", 1, 3)
                                .of(Step.decode(16.0 / 3, 230))
                                .seconds())
                .isCloseTo(8.11, Percentage.withPercentage(10));
    }
}
