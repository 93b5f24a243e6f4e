package bestfit.report;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.args.VllmArgs;
import bestfit.hardware.Inventory;
import bestfit.model.Models;
import bestfit.tune.CampaignSpec;
import bestfit.tune.ModelShape;
import bestfit.tune.Objective;
import bestfit.tune.Outlook;
import bestfit.tune.SearchSpace;
import bestfit.tune.TuneWorkload;
import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is said before the first deployment. */
class OutlookReportTest {
    private static CampaignSpec spec(String engine, boolean slowStarts) {
        var model = ModelShape.of(Models.find("tiny"), "auto");
        var space =
                SearchSpace.enumerate(new SearchSpace.Query(model, "auto", Inventory.cores(2), 4, VllmArgs.of(), true));
        return new CampaignSpec(
                "here",
                engine,
                2,
                model,
                "{}",
                space,
                TuneWorkload.guide(4, 42),
                Objective.SCORE,
                Optional.empty(),
                Optional.empty(),
                slowStarts);
    }

    @Test
    void saysEnumerationBaselineTrialsMinutesAndDowntime() throws IOException {
        var spec = spec("embedded engine 1", false);
        var text = OutlookReport.text(spec, Outlook.of(spec, Optional.empty()), "tiny here", true);
        assertThat(text)
                .contains(
                        "baseline: vLLM's defaults at the smallest TP that fits (TP 1 PP 1 ×2 default)",
                        "6 configs can run:",
                        "6 trials, 8 deployments to come, about 3.3 minutes; up to 2 more while the best cannot be told apart",
                        "downtime: what runs on the node is down for about 3.3 minutes, then it runs again");
    }

    @Test
    void configsThatEqualTheDefaultFit() throws IOException {
        var spec = spec("embedded engine 1", false);
        var json = OutlookReport.json(spec, Outlook.of(spec, Optional.empty()), false);
        assertThat(json.path("configs"))
                .hasSize(9)
                .allSatisfy(each -> assertThat(each.path("fits").asString()).isEqualTo("yes"))
                .anySatisfy(each -> assertThat(each.path("reason").asString("")).startsWith("the same as the default"));
        assertThat(json.path("expected").path("deployments").asInt()).isEqualTo(8);
        assertThat(json.path("expected").path("downtime_s").asDouble(-1)).isZero();
    }

    @Test
    void anotherEngineVersionIsAnotherCampaign() {
        assertThat(spec("embedded engine 1", false).key())
                .isNotEqualTo(spec("embedded engine 2", false).key());
    }

    /** vLLM on a GPU: four deployments took nine minutes where the embedded engine's usual time said less than two. */
    @Test
    void slowStartsAreExpectedOfVllm() throws IOException {
        assertThat(Outlook.of(spec("vLLM 0.23.0", true), Optional.empty()).seconds())
                .isEqualTo(8 * 120);
    }
}
