package bestfit.report;

import bestfit.args.ArgsText;
import bestfit.config.Json;
import bestfit.tune.Candidate;
import bestfit.tune.ConfigJson;
import bestfit.tune.SearchSpace;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** What can run on a server and what cannot, with the reasons; nothing is predicted. Pure. */
public final class PlanReport {
    private PlanReport() {}

    /** Candidates, then what is left out. */
    public static List<String> text(SearchSpace space) {
        var lines = new ArrayList<String>();
        lines.add(space.candidates().size() + " configs can run:");
        space.candidates().forEach(each -> lines.addAll(row(each, args(each))));
        if (!space.rejections().isEmpty()) {
            lines.add(space.rejections().size() + " left out:");
            space.rejections().forEach(each -> lines.addAll(row(each.candidate(), each.reason())));
        }
        return lines;
    }

    private static List<String> row(Candidate candidate, String text) {
        var name = "  %-16s %-10s ".formatted(candidate.layout(), candidate.limits());
        return Wrapped.lines(name + text, " ".repeat(name.length()));
    }

    private static String args(Candidate candidate) {
        return ArgsText.write(candidate.config().args());
    }

    public static ObjectNode json(SearchSpace space) {
        var json = Json.object();
        var configs = json.putArray("configs");
        space.candidates().forEach(each -> configs.add(config(each, "yes")));
        space.rejections()
                .forEach(each -> configs.add(
                        config(each.candidate(), each.fits() ? "yes" : "no").put("reason", each.reason())));
        return json;
    }

    private static ObjectNode config(Candidate candidate, String fits) {
        var json = Json.object();
        json.set("args", ConfigJson.strings(candidate.config().args().list()));
        json.set("layout", TuneReport.layout(candidate));
        return json.put("fits", fits);
    }
}
