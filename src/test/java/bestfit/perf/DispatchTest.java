package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bestfit.args.VllmArgs;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Against steps recorded on an H100 under vLLM 0.23.0: Qwen3-8B, one prompt beside 30 or 31 decodes. */
class DispatchTest {
    /** A decode, a prompt's step and a decode: 30.8 + 4.1 + 8.9, 30.7 + 14.9 + 9.0 and 24.9 + 16.0 + 9.0 ms. */
    private static final List<double[]> RECORDED =
            List.of(new double[] {976, 43.9}, new double[] {1507, 54.6}, new double[] {1293, 49.9});

    private static StepTimeModel model(String version) {
        var card = KnownModels.find("Qwen3-8B").card();
        var server = ServerSpec.parse("H100-SXM");
        var args = VllmArgs.of("--max-model-len", "32768");
        var settings = EngineSettings.of(card, server.gpu(), EngineVersion.of(version), args);
        return new StepTimeModel(new Instance(card, settings, server.gpu(), server.link(), 1, 1), Constants.shipped());
    }

    private static double millis(StepTimeModel steps, double prompt) {
        var dispatch = new Dispatch(steps);
        double context = 1150;
        double now = dispatch.step(Step.decode(31, context), 0).seconds();
        now += dispatch.step(Step.mixed(prompt, 0, 31, context), now).seconds();
        now += dispatch.step(Step.decode(32, context), now).seconds();
        return 1e3 * now;
    }

    @Test
    void a_prompt_s_launch_is_covered_by_the_step_before() {
        double recorded = RECORDED.stream().mapToDouble(each -> each[1]).sum();
        double modelled = RECORDED.stream()
                .mapToDouble(each -> millis(model("0.23.0"), each[0]))
                .sum();
        assertThat(modelled / recorded).isCloseTo(1, within(0.15));
    }

    @Test
    void without_asynchronous_scheduling_nothing_covers_it() {
        var before = model("0.13.0");
        var steps = List.of(Step.decode(31, 1150), Step.mixed(976, 0, 31, 1150), Step.decode(32, 1150));
        double alone =
                steps.stream().mapToDouble(each -> before.of(each).seconds()).sum();
        assertThat(millis(before, 976)).isCloseTo(1e3 * alone, within(1e-9));
        var async = model("0.23.0");
        double notCovered =
                steps.stream().mapToDouble(each -> async.of(each).seconds()).sum();
        assertThat(millis(async, 976)).isLessThan(1e3 * notCovered - 2);
    }
}
