package bestfit.report;

import bestfit.args.ArgsText;
import bestfit.config.Json;
import bestfit.tune.CampaignResult;
import bestfit.tune.Candidate;
import bestfit.tune.ConfigJson;
import bestfit.tune.Figures;
import bestfit.tune.Interval;
import bestfit.tune.Outcome;
import bestfit.tune.Rejection;
import bestfit.tune.Verdict;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.databind.node.ObjectNode;

/** A campaign's result for people and for programs. Pure. */
public final class TuneReport {
    /**
     * What the result itself does not know.
     *
     * @param server model, devices and engine, for people
     * @param management URL for the command that applies the recommendation
     * @param managementToken file of the token that it asks for
     * @param left how the server was left, a sentence
     * @param next what to do next, a sentence
     * @param bold the best values are set in bold, by ANSI's codes, instead of starred
     */
    public record Setting(
            String version,
            String server,
            boolean simulated,
            String management,
            Optional<Path> managementToken,
            String left,
            String next,
            boolean bold) {}

    private TuneReport() {}

    public static List<String> text(CampaignResult result, Setting setting) {
        return new TuneText(result, setting).render();
    }

    /** The command that deploys the recommendation. */
    static String curl(CampaignResult result, Setting setting) {
        var best = result.recommended().orElseThrow();
        var token = setting.managementToken()
                .map(file -> " -H \"Authorization: Bearer $(cat " + ArgsText.quote(file.toString()) + ")\"")
                .orElse("");
        return "curl -X POST " + setting.management() + "/api/v1/inference/up" + token
                + " -H 'Content-Type: application/json' -d "
                + ArgsText.quote(Json.write(ConfigJson.write(best.candidate().config())));
    }

    /** The object of {@code tune --json}. */
    public static ObjectNode json(CampaignResult result, Setting setting) {
        var json = Json.object();
        result.recommended()
                .ifPresentOrElse(
                        best -> json.set("recommendation", recommendation(best.candidate())),
                        () -> json.putNull("recommendation"));
        json.put("verdict", result.verdict().word());
        json.put("simulated", setting.simulated());
        result.recommended().ifPresent(best -> {
            var guide = Json.object();
            guide.putObject(best.candidate().config().model())
                    .set(
                            "args",
                            ConfigJson.strings(best.candidate().config().args().list()));
            json.set("model_args", guide);
            json.put("apply", curl(result, setting));
        });
        result.safe()
                .filter(safe -> result.ranking().getFirst().outcome() != safe.outcome())
                .ifPresent(safe -> json.set(
                        "without_losses",
                        recommendation(result.outcomes().get(safe.outcome()).candidate())));
        json.put("campaign", result.id());
        json.put("objective", result.spec().objective().toString());
        json.set("workload", Json.parse(result.workload().toJson()));
        json.set(
                "baseline",
                recommendation(result.outcomes().get(result.baseline()).candidate()));
        json.put("baseline_origin", result.baselineOrigin());
        var trials = json.putArray("trials");
        for (int i = 0; i < result.outcomes().size(); i++) {
            trials.add(trial(result, i));
        }
        result.spec().space().rejections().forEach(each -> trials.add(excluded(each)));
        var check = json.putObject("client");
        check.put("verdict", result.check().valid() ? "VALID" : "INVALID");
        check.set("reasons", ConfigJson.strings(result.check().reasons()));
        check.put("cpu_share", result.check().cpuShare())
                .put("send_lag_ms", result.check().sendLagMillis())
                .put("worst_block", result.check().worstBlock());
        json.putObject("cost").put("wall_s", result.seconds()).put("device_s", result.deviceSeconds());
        json.put("left", setting.left());
        return json;
    }

    private static ObjectNode recommendation(Candidate candidate) {
        var json = Json.object().put("model", candidate.config().model());
        json.set("args", ConfigJson.strings(candidate.config().args().list()));
        return json;
    }

    private static ObjectNode trial(CampaignResult result, int index) {
        var outcome = result.outcomes().get(index);
        var json = candidate(outcome.candidate());
        boolean untried = outcome.status() == Outcome.Status.UNTRIED;
        json.put("status", untried ? "excluded" : outcome.status().name().toLowerCase(Locale.ROOT));
        if (untried) {
            json.put(
                    "reason",
                    result.verdict() == Verdict.STOPPED
                            ? "the campaign was stopped before"
                            : "the time given was over before");
        }
        outcome.failure().ifPresent(failure -> {
            json.put("reason", failure.line());
            json.set("failure", failure.toJson());
        });
        json.put("deployments", outcome.deployments()).put("seconds", outcome.seconds());
        json.put("baseline", index == result.baseline());
        for (int rank = 0; rank < result.ranking().size(); rank++) {
            var ranked = result.ranking().get(rank);
            if (ranked.outcome() == index) {
                json.put("rank", rank + 1);
                json.set("score_over_baseline", interval(ranked.standing().overBaseline()));
                json.set("score_over_best", interval(ranked.standing().overBest()));
                json.put("ties_with_best", ranked.standing().tiesWithBest());
                json.set("losses", ConfigJson.strings(ranked.standing().losses()));
            }
        }
        outcome.figures().ifPresent(figures -> experiments(json, figures));
        if (!outcome.gpus().isEmpty()) {
            var gpus = json.putArray("gpus");
            outcome.gpus().forEach(gpu -> gpus.add(gpu.toJson()));
        }
        return json;
    }

    private static void experiments(ObjectNode json, Figures figures) {
        var array = json.putArray("experiments");
        for (var name : figures.experiments()) {
            var metrics = array.addObject().put("name", name).putObject("metrics");
            var names = new TreeSet<String>();
            figures.blocks()
                    .forEach(block -> names.addAll(block.metrics()
                            .getOrDefault(name, java.util.Map.of())
                            .keySet()));
            names.forEach(metric -> metrics.set(metric, interval(figures.interval(name, metric))));
        }
        json.put("blocks", figures.blocks().size());
    }

    private static ObjectNode excluded(Rejection rejection) {
        return candidate(rejection.candidate()).put("status", "excluded").put("reason", rejection.reason());
    }

    private static ObjectNode candidate(Candidate candidate) {
        var json = Json.object();
        json.set("args", ConfigJson.strings(candidate.config().args().list()));
        json.set("layout", layout(candidate));
        return json;
    }

    static ObjectNode layout(Candidate candidate) {
        return Json.object()
                .put("tp", candidate.layout().tp())
                .put("pp", candidate.layout().pp())
                .put("instances", candidate.layout().instances());
    }

    /** Bounds are null where one value alone gives none: JSON has no infinity. */
    private static ObjectNode interval(Interval interval) {
        var json = Json.object().put("mean", interval.mean());
        if (Double.isFinite(interval.low())) {
            return json.put("low", interval.low()).put("high", interval.high());
        }
        return json.putNull("low").putNull("high");
    }
}
