package bestfit.report;

import bestfit.tune.CampaignSpec;
import bestfit.tune.ConfigJson;
import bestfit.tune.Outlook;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** What is said before a campaign's first deployment. Pure. */
public final class OutlookReport {
    private OutlookReport() {}

    /**
     * @param server model, devices and engine, for people
     * @param busy something serves there that the campaign interrupts
     */
    public static List<String> text(CampaignSpec spec, Outlook outlook, String server, boolean busy) {
        var lines = new ArrayList<String>();
        lines.add(server);
        lines.add("workload: " + spec.workload().sentence() + "; a probe sizes it");
        lines.add("baseline: " + outlook.baselineOrigin() + " ("
                + outlook.baseline().title() + ")");
        lines.addAll(PlanReport.text(spec.space()));
        if (outlook.finished() > 0) {
            lines.add("trials finished already and not repeated: " + outlook.finished());
        }
        lines.add(String.format(
                Locale.ROOT,
                "%d trials, %d deployments to come, about %.1f minutes%s",
                outlook.configs(),
                outlook.deployments(),
                outlook.seconds() / 60,
                outlook.moreAtMost() == 0
                        ? ""
                        : "; up to " + outlook.moreAtMost() + " more while the best cannot be told apart"));
        lines.add(
                busy
                        ? String.format(
                                Locale.ROOT,
                                "downtime: what runs on the node is down for about %.1f minutes, then it runs again",
                                outlook.seconds() / 60)
                        : "downtime: none, nothing that runs is interrupted");
        return lines;
    }

    /** The enumeration with what trying it will cost. */
    public static ObjectNode json(CampaignSpec spec, Outlook outlook, boolean busy) {
        var json = PlanReport.json(spec.space());
        var baseline = json.putObject("baseline")
                .put("model", outlook.baseline().config().model())
                .put("origin", outlook.baselineOrigin());
        baseline.set(
                "args", ConfigJson.strings(outlook.baseline().config().args().list()));
        json.putObject("expected")
                .put("trials", outlook.configs())
                .put("deployments", outlook.deployments())
                .put("more_deployments_at_most", outlook.moreAtMost())
                .put("wall_s", outlook.seconds())
                .put("downtime_s", busy ? outlook.seconds() : 0);
        return json;
    }
}
