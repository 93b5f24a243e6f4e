package bestfit.tune;

import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * What every trial is measured with. Block k sends the same prompts to every config and repeats none of another block.
 *
 * @param users requests in flight
 * @param blocks of one deployment
 */
public record TuneWorkload(int users, int blocks, long seed, List<ExperimentPlan> experiments) {
    /** Six give an interval a fifth narrower than four of the same length together would: Student's t falls that much. */
    static final int BLOCKS = 6;

    /** Measuring aimed at; a slower config than the probed one takes longer. */
    private static final double MEASURING_SECONDS = 12;

    private static final int MOST_WAVES = 16;

    public TuneWorkload {
        experiments = List.copyOf(experiments);
    }

    /**
     * The guide's two experiments, short and long prompts, not yet sized: one request a user in each block. A fifth of the
     * guide's lengths and less, so that a slow core too gets through a block in two seconds.
     */
    public static TuneWorkload guide(int users, long seed) {
        return new TuneWorkload(
                users,
                BLOCKS,
                seed,
                List.of(new ExperimentPlan("short", 200, 60, users), new ExperimentPlan("long", 1100, 60, users)));
    }

    /**
     * One experiment for each of a file's workloads, not yet sized: tune chooses the number of requests itself.
     *
     * @param problems hears which keys ask for what a campaign does not send
     */
    public static TuneWorkload of(List<Workload> workloads, Problems problems) {
        var experiments = new ArrayList<ExperimentPlan>();
        int users = 1;
        for (var workload : workloads) {
            var only = new OnlyFixed(workload, "workload " + (experiments.size() + 1), problems);
            int own = only.users();
            if (!experiments.isEmpty() && own != users) {
                only.problem(
                        "load.users",
                        own + " differs from the " + users + " of the file's first workload; a campaign"
                                + " has one number of users.");
            }
            if (experiments.stream().anyMatch(each -> each.name().equals(only.name()))) {
                only.problem("name", "is the name of another workload of the file; give each its own.");
            }
            users = own;
            experiments.add(new ExperimentPlan(only.name(), only.promptTokens(), only.outputTokens(), own));
        }
        return new TuneWorkload(users, BLOCKS, workloads.getFirst().seed(), experiments);
    }

    /**
     * Sizes the experiments so that all blocks of one deployment take about 12 s; at least one request a user and block.
     *
     * @param waveSeconds of each experiment: how long one request of every user takes
     */
    public TuneWorkload sized(List<Double> waveSeconds) {
        double share = MEASURING_SECONDS / blocks / experiments.size();
        var sized = new ArrayList<ExperimentPlan>();
        for (int i = 0; i < experiments.size(); i++) {
            int waves = Math.clamp(Math.round(share / waveSeconds.get(i)), 1, MOST_WAVES);
            sized.add(experiments.get(i).sized(waves * users));
        }
        return new TuneWorkload(users, blocks, seed, sized);
    }

    /** Experiments whose requests no engine of such a context takes: one line each. */
    public List<String> beyond(int contextTokens) {
        return experiments.stream()
                .filter(each -> each.promptTokens() + each.outputTokens() > contextTokens)
                .map(each -> each.name() + ": " + each.promptTokens() + " prompt and " + each.outputTokens()
                        + " output tokens are more than a context of " + contextTokens + " holds")
                .toList();
    }

    public String toJson() {
        var json = Json.object().put("users", users).put("blocks", blocks).put("seed", seed);
        var array = json.putArray("experiments");
        for (var each : experiments) {
            array.addObject()
                    .put("name", each.name())
                    .put("prompt_tokens", each.promptTokens())
                    .put("output_tokens", each.outputTokens())
                    .put("requests_per_block", each.requests());
        }
        return Json.write(json);
    }

    public static TuneWorkload read(String text) {
        var json = Json.parse(text);
        var experiments = new ArrayList<ExperimentPlan>();
        for (JsonNode each : json.path("experiments")) {
            experiments.add(new ExperimentPlan(
                    each.path("name").stringValue(),
                    each.path("prompt_tokens").asInt(),
                    each.path("output_tokens").asInt(),
                    each.path("requests_per_block").asInt()));
        }
        return new TuneWorkload(
                json.path("users").asInt(),
                json.path("blocks").asInt(),
                json.path("seed").asLong(),
                experiments);
    }

    /** For people, such as {@code short 12 × 200→60 tokens, long 4 × 1100→60, 4 users}. */
    public String sentence() {
        return String.join(", ", experiments.stream().map(ExperimentPlan::title).toList()) + " tokens a block, "
                + blocks + " blocks, " + users + (users == 1 ? " user" : " users");
    }
}
