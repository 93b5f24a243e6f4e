package bestfit.tune;

import bestfit.deploy.NodeClient;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * What a campaign will cost, said before its first deployment.
 *
 * @param baseline what the others are compared with
 * @param baselineOrigin why that one, for people
 * @param configs to be tried, those that earlier runs of the command finished among them
 * @param finished trials of earlier runs that are not repeated
 * @param deployments still to come if none fails: each candidate once, best and runner-up twice
 * @param moreAtMost further ones, for candidates that cannot be told apart
 * @param seconds for all of {@code deployments}, an estimate
 */
public record Outlook(
        Candidate baseline,
        String baselineOrigin,
        int configs,
        int finished,
        int deployments,
        int moreAtMost,
        double seconds) {
    private static final double QUICK_TRIAL_SECONDS = 25;

    /** Qwen3-8B with vLLM 0.23 on an H200: 165 s with the first compilation, then 92 to 122 s. */
    private static final double SLOW_TRIAL_SECONDS = 120;

    /** Seconds of a trial before any was finished here. */
    static double usualTrialSeconds(CampaignSpec spec) {
        return spec.slowStarts() ? SLOW_TRIAL_SECONDS : QUICK_TRIAL_SECONDS;
    }

    /**
     * Of a campaign that is not begun; nothing is touched.
     *
     * @param node empty where the campaign starts its own
     * @throws IOException if the node does not answer
     */
    public static Outlook of(CampaignSpec spec, Optional<NodeClient> node) throws IOException {
        var running =
                node.isPresent() ? Campaign.running(spec, node.get()) : Optional.<bestfit.args.DeploymentConfig>empty();
        var baseline = Baseline.of(spec, running);
        int configs = baseline.candidates().size();
        int deployments = Schedule.of(configs, baseline.index(), List.of(), Schedule.MOST_REPEATS, List::of)
                .remaining();
        return of(baseline, 0, deployments, usualTrialSeconds(spec));
    }

    static Outlook of(Baseline baseline, int finished, int deployments, double secondsATrial) {
        int configs = baseline.candidates().size();
        return new Outlook(
                baseline.candidates().get(baseline.index()),
                baseline.origin(),
                configs,
                finished,
                deployments,
                configs < 2 ? 0 : Schedule.MOST_REPEATS - Schedule.LEAST_REPEATS,
                deployments * secondsATrial);
    }
}
