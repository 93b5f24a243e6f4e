package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MeetingTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 500})
    void partsAreSummedInStepAndInOrder(int spins) throws Exception {
        int parties = 4;
        var reduce = new AllReduce(parties, new Meeting(parties, spins));
        try (var threads = Executors.newFixedThreadPool(parties)) {
            var sums = new ArrayList<Future<Float>>();
            for (int rank = 0; rank < parties; rank++) {
                int own = rank;
                Callable<Float> member = () -> {
                    var sum = new float[1];
                    for (int round = 0; round < 2_000; round++) {
                        reduce.buffer(own, round % 2, 1)[0] = (own + 1) * (round % 7);
                        reduce.addTo(sum, round % 2, 1);
                    }
                    return sum[0];
                };
                sums.add(threads.submit(member));
            }
            float expected = 0;
            for (int round = 0; round < 2_000; round++) {
                expected += 10 * (round % 7);
            }
            for (var sum : sums) {
                assertThat(sum.get(30, TimeUnit.SECONDS)).isEqualTo(expected);
            }
        }
    }

    @Test
    void aFailedPartyLetsTheOthersGoWithAnError() {
        var meeting = new Meeting(2, 0);
        try (var threads = Executors.newFixedThreadPool(1)) {
            Callable<Boolean> member = () -> {
                meeting.await();
                return true;
            };
            var waiting = threads.submit(member);
            meeting.breakUp();
            assertThatThrownBy(() -> waiting.get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasMessageContaining("another device of the stage failed");
            assertThatThrownBy(meeting::await).hasMessageContaining("another device");
        }
    }
}
