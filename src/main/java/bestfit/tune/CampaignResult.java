package bestfit.tune;

import java.util.List;
import java.util.Optional;

/**
 * What a campaign ends with.
 *
 * @param id in the database
 * @param outcomes one a candidate, in the space's order
 * @param baseline index into {@code outcomes}
 * @param baselineOrigin why that one, for people
 * @param reference index of the outcome that scores are taken against: the baseline, unless that one failed
 * @param ranking over the measured outcomes, best first; empty if there is none
 * @param seconds over all runs of the command
 * @param deviceSeconds with the devices taken up
 */
public record CampaignResult(
        long id,
        CampaignSpec spec,
        TuneWorkload workload,
        List<Outcome> outcomes,
        int baseline,
        String baselineOrigin,
        int reference,
        List<Ranked> ranking,
        Verdict verdict,
        Optional<Ranked> safe,
        ClientCheck check,
        double seconds,
        double deviceSeconds) {
    /** An outcome with its place; {@code outcome} indexes {@link #outcomes}. */
    public record Ranked(int outcome, Comparison.Standing standing) {}

    public CampaignResult {
        outcomes = List.copyOf(outcomes);
        ranking = List.copyOf(ranking);
    }

    /**
     * With 95 % confidence no other is better than the recommended one by more than this share: 0.02 is 2 %; infinite while
     * nothing is known.
     */
    public double regret() {
        return Comparison.regret(ranking.stream().map(Ranked::standing).toList());
    }

    /** The config to use; empty if none was measured. */
    public Optional<Outcome> recommended() {
        return ranking.stream().findFirst().map(best -> outcomes.get(best.outcome()));
    }
}
