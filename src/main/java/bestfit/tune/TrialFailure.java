package bestfit.tune;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Why a trial failed.
 *
 * @param name the failure's class
 * @param line the telling one
 * @param lines of the log that show it
 * @param stage what was under way: start, warm-up, block 2
 */
public record TrialFailure(String name, String line, List<String> lines, String stage) {
    public TrialFailure {
        lines = List.copyOf(lines);
    }

    public ObjectNode toJson() {
        var json = Json.object().put("class", name).put("stage", stage).put("line", line);
        json.set("lines", ConfigJson.strings(lines));
        return json;
    }

    static TrialFailure read(String text) {
        var json = Json.parse(text);
        var lines = new ArrayList<String>();
        json.path("lines").forEach(each -> lines.add(each.asString("")));
        return new TrialFailure(
                json.path("class").asString(""),
                json.path("line").asString(""),
                lines,
                json.path("stage").asString(""));
    }
}
