package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.args.Layout;
import bestfit.args.VllmArgs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which candidate the others are measured against, and the candidates with it.
 *
 * @param index into {@code candidates}
 * @param origin why that one, for people
 */
record Baseline(List<Candidate> candidates, int index, String origin) {
    /** @param before what ran on the node, of whatever model */
    static Baseline of(CampaignSpec spec, Optional<DeploymentConfig> before) {
        var candidates = new ArrayList<>(spec.space().candidates());
        var ran = before.filter(config -> config.model().equals(spec.model().name()))
                .map(config -> candidate(spec, config));
        var chosen = ran.or(spec::explicitBaseline);
        if (chosen.isEmpty()) {
            return new Baseline(candidates, 0, "vLLM's defaults at the smallest TP that fits");
        }
        var origin = ran.isPresent() ? "what ran before" : "given by --baseline";
        for (int i = 0; i < candidates.size(); i++) {
            if (same(candidates.get(i), chosen.get())) {
                candidates.set(i, chosen.get()); // in the user's own spelling
                return new Baseline(candidates, i, origin);
            }
        }
        candidates.addFirst(chosen.get());
        return new Baseline(candidates, 0, origin);
    }

    private static Candidate candidate(CampaignSpec spec, DeploymentConfig config) {
        int tp = config.args().tensorParallel();
        int pp = config.args().pipelineParallel();
        return new Candidate(config, Layout.filling(tp, pp, spec.devices()));
    }

    /** The same layout, whether spelled out or by default, and otherwise the same args in any order. */
    private static boolean same(Candidate a, Candidate b) {
        return a.layout().equals(b.layout())
                && a.config().dtype().equals(b.config().dtype())
                && others(a).equals(others(b));
    }

    private static List<VllmArgs.Given> others(Candidate candidate) {
        return candidate.config().args().given().stream()
                .filter(each ->
                        !each.flag().equals(SearchSpace.TP) && !each.flag().equals(SearchSpace.PP))
                .sorted(java.util.Comparator.comparing(VllmArgs.Given::flag))
                .toList();
    }
}
