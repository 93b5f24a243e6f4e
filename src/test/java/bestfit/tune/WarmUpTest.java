package bestfit.tune;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

class WarmUpTest {
    private static int rounds(IntToDoubleFunction seconds) {
        var warmUp = new WarmUp();
        int count = 0;
        while (!warmUp.done()) {
            warmUp.round(seconds.applyAsDouble(count++));
        }
        return count;
    }

    /** Guards: measuring begins when the engine is within a few percent of its final speed, not after a fixed time. */
    @Test
    void lastsAsLongAsTheEngineGetsFaster() {
        var random = new SplittableRandom(1);
        for (int halving = 1; halving <= 6; halving++) {
            double each = halving;
            int rounds = rounds(i -> 0.05 * (1 + 8 * Math.pow(0.5, i / each)) * (1 + 0.03 * random.nextGaussian()));
            assertThat(8 * Math.pow(0.5, rounds / each))
                    .as("still to gain, halving every %s rounds", each)
                    .isLessThan(0.4);
        }
    }

    @Test
    void engineThatIsWarmCostsSixRounds() {
        assertThat(rounds(_ -> 0.8)).isEqualTo(6);
    }

    @Test
    void slowServerIsNotAskedForSixRounds() {
        assertThat(rounds(_ -> 4)).isEqualTo(3);
        assertThat(rounds(_ -> 70)).isEqualTo(1);
    }

    /** Seconds of rounds as vLLM's, each some two seconds once its kernels are there: measuring must not begin between two of their compilations. */
    @Test
    void engineThatStillCompilesIsWaitedForButNotForEver() {
        var stalls = new double[] {8, 2, 5, 2, 2, 2, 2};
        assertThat(rounds(i -> stalls[i])).isEqualTo(6);
        assertThat(rounds(i -> 4 + 2 * i)).as("30 s at most").isEqualTo(5);
    }
}
