package bestfit.tune;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.store.TrialRow;
import bestfit.store.TrialRow.State;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScheduleTest {
    private static TrialRow trial(int candidate, int deployment, State state) {
        return new TrialRow(0, candidate, deployment, "{}", state, 1, 1, null, null, null, null, new LinkedHashMap<>());
    }

    private static TrialRow failed(int candidate, String name) {
        var failure =
                new TrialFailure(name, "why", List.of(), "block 1").toJson().toString();
        return new TrialRow(
                0, candidate, 0, "{}", State.FAILED, 1, 1, failure, null, null, null, new LinkedHashMap<>());
    }

    @Test
    void baselineThenTheRestThenTheBestTwoAgain() {
        var trials = new ArrayList<TrialRow>();
        var order = new ArrayList<Integer>();
        for (int i = 0; i < 6; i++) {
            var missing = new ArrayList<>(List.of(2, 0));
            trials.stream()
                    .filter(each -> each.deployment() == 1)
                    .forEach(each -> missing.removeIf(it -> it == each.candidate()));
            var next = Schedule.of(3, 1, trials, Schedule.MOST_REPEATS, () -> missing)
                    .next();
            if (next.isEmpty()) {
                break;
            }
            order.add(next.get().candidate());
            trials.add(trial(next.get().candidate(), next.get().deployment(), State.MEASURED));
        }
        assertThat(order).containsExactly(1, 0, 2, 2, 0);
    }

    @Test
    void trialCutShortIsRepeatedAndAFailedOneIsNot() {
        var trials = List.of(
                failed(0, "out-of-memory"),
                trial(1, 0, State.RUNNING),
                trial(1, 0, State.CUT),
                trial(2, 0, State.MEASURED));
        assertThat(Schedule.of(3, 0, trials, Schedule.MOST_REPEATS, List::of).next())
                .contains(new Schedule.Step(1, 0));
    }

    /** Whoever kills an engine must not decide a campaign; an engine that dies again is at fault itself. */
    @Test
    void engineThatDiedUnderLoadGetsASecondChance() {
        var death = failed(0, "died-under-load");
        assertThat(Schedule.of(1, 0, List.of(death), Schedule.MOST_REPEATS, List::of)
                        .next())
                .contains(new Schedule.Step(0, 1));
        assertThat(Schedule.of(1, 0, List.of(death, death), Schedule.MOST_REPEATS, List::of)
                        .next())
                .isEmpty();
    }

    @Test
    void searchForCertaintyEnds_andSoonerWhereItMust() {
        for (int most : List.of(Schedule.LEAST_REPEATS, Schedule.MOST_REPEATS)) {
            var trials = new ArrayList<TrialRow>(List.of(trial(0, 0, State.MEASURED), trial(1, 0, State.MEASURED)));
            for (int i = 1; i <= most; i++) {
                assertThat(Schedule.of(2, 0, trials, most, () -> List.of(0)).next())
                        .isPresent();
                trials.add(trial(i % 2, i, State.MEASURED));
            }
            assertThat(Schedule.of(2, 0, trials, most, () -> List.of(0)).next()).isEmpty();
        }
    }
}
