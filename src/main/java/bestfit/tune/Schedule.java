package bestfit.tune;

import bestfit.store.TrialRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Which deployment comes next: each candidate once, the baseline first; then best and runner-up again, until both have two
 * deployments; then those that could still be best, a few times. Pure.
 *
 * @param next empty at the end
 * @param remaining deployments known to be still to come, {@code next} among them
 */
record Schedule(Optional<Step> next, int remaining) {
    /** Deployments beyond the first of each candidate; a server's downtime is not spent for ever on two equal configs. */
    static final int MOST_REPEATS = 4;

    /** Best and runner-up once more. */
    static final int LEAST_REPEATS = 2;

    /** A candidate's deployment, each counted from 0. */
    record Step(int candidate, int deployment) {}

    /**
     * @param trials of any state; only finished ones count
     * @param mostRepeats deployments beyond the first of each candidate, at most {@link #MOST_REPEATS}
     * @param again candidates worth another deployment, asked when each was tried once
     */
    static Schedule of(
            int candidates, int baseline, List<TrialRow> trials, int mostRepeats, Supplier<List<Integer>> again) {
        var tried = trials.stream().filter(TrialRow::finished).toList();
        var untried = order(candidates, baseline).stream()
                .filter(candidate -> measured(tried, candidate) == 0 && !failed(tried, candidate))
                .toList();
        if (!untried.isEmpty()) {
            int repeats = candidates < 2 ? 0 : LEAST_REPEATS;
            return new Schedule(Optional.of(step(tried, untried.getFirst())), untried.size() + repeats);
        }
        int left = candidates + mostRepeats - tried.size();
        if (left <= 0) {
            return new Schedule(Optional.empty(), 0);
        }
        var wanted = again.get();
        return new Schedule(
                wanted.stream().map(candidate -> step(tried, candidate)).findFirst(), Math.min(left, wanted.size()));
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

    /** What failed by a sudden death is deployed again: under a number of its own, as every deployment. */
    private static Step step(List<TrialRow> tried, int candidate) {
        return new Step(candidate, (int)
                tried.stream().filter(trial -> trial.candidate() == candidate).count());
    }

    private static int measured(List<TrialRow> tried, int candidate) {
        return (int) tried.stream()
                .filter(trial -> trial.candidate() == candidate && trial.state() == TrialRow.State.MEASURED)
                .count();
    }

    private static boolean failed(List<TrialRow> tried, int candidate) {
        return TrialFailure.counting(tried.stream()
                        .filter(trial -> trial.candidate() == candidate)
                        .toList())
                .isPresent();
    }
}
