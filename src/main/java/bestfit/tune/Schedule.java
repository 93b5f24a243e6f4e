package bestfit.tune;

import bestfit.store.TrialRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Which deployment comes next: each candidate once, the baseline first; then best and runner-up again, until both have two
 * deployments. Pure.
 */
final class Schedule {
    /** Ranks can change with every further deployment; this many more end the search for certainty. */
    static final int MOST_REPEATS = 4;

    /** A candidate's deployment, each counted from 0. */
    record Step(int candidate, int deployment) {}

    private Schedule() {}

    /**
     * @param trials of any state; only finished ones count
     * @param missing candidates that need another deployment for a verdict, asked when each was tried once
     */
    static Optional<Step> next(int candidates, int baseline, List<TrialRow> trials, Supplier<List<Integer>> missing) {
        var tried = trials.stream().filter(TrialRow::finished).toList();
        for (int candidate : order(candidates, baseline)) {
            if (deployments(tried, candidate) == 0) {
                return Optional.of(new Step(candidate, 0));
            }
        }
        if (tried.size() >= candidates + MOST_REPEATS) {
            return Optional.empty();
        }
        return missing.get().stream()
                .map(candidate -> new Step(candidate, deployments(tried, candidate)))
                .findFirst();
    }

    private static List<Integer> order(int candidates, int baseline) {
        var order = new ArrayList<Integer>(List.of(baseline));
        for (int i = 0; i < candidates; i++) {
            if (i != baseline) {
                order.add(i);
            }
        }
        return order;
    }

    private static int deployments(List<TrialRow> tried, int candidate) {
        return (int)
                tried.stream().filter(trial -> trial.candidate() == candidate).count();
    }
}
