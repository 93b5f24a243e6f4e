package bestfit.tune;

import bestfit.config.Json;
import bestfit.store.TrialRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

    /** Anything can kill a process once; a config that is at fault dies again. */
    private static final int DEATHS = 2;

    /**
     * Why a candidate failed, from all its finished trials; empty while it has not. An engine's sudden death counts from the
     * second on.
     */
    static Optional<TrialFailure> counting(List<TrialRow> trials) {
        var failures = trials.stream()
                .flatMap(trial -> Optional.ofNullable(trial.failure()).stream())
                .map(TrialFailure::read)
                .toList();
        return failures.stream()
                .filter(each -> !each.name().equals("died-under-load") || failures.size() >= DEATHS)
                .findFirst();
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
