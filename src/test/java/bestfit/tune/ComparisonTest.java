package bestfit.tune;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static final int BLOCKS = 4;
    private static final double BLOCK_SPREAD = 0.03;
    private static final double RESTART_SPREAD = 0.02;

    /** True gain of each candidate over the first, as logarithms; each has two deployments of four blocks. */
    private static List<Figures> measured(long seed, double... gains) {
        var random = new SplittableRandom(seed);
        var all = new ArrayList<Figures>();
        for (double gain : gains) {
            var blocks = new ArrayList<Figures.Block>();
            for (int deployment = 0; deployment < 2; deployment++) {
                double restart = gain + random.nextGaussian() * RESTART_SPREAD;
                for (int i = 0; i < BLOCKS; i++) {
                    double factor = Math.exp(restart + random.nextGaussian() * BLOCK_SPREAD);
                    blocks.add(block(deployment, deployment * BLOCKS + i, factor, factor));
                }
            }
            all.add(new Figures(blocks));
        }
        return all;
    }

    private static Figures.Block block(int deployment, int number, double speed, double ttftSpeed) {
        return new Figures.Block(
                deployment,
                number,
                Map.of(
                        "short",
                        Map.of(
                                "TTFT",
                                0.4 / ttftSpeed,
                                "LATENCY",
                                2 / speed,
                                "THROUGHPUT_INPUT_TOKENS",
                                900 * speed,
                                "THROUGHPUT_OUTPUT_TOKENS",
                                300 * speed)));
    }

    /**
     * Two candidates that are equally fast, and a third 20 % behind. Guards: noise of blocks and restarts alone never makes
     * a campaign sure. Healthy: 2.5 % of 2000 campaigns called sure; without the restart spread in the interval: 16 %.
     */
    @Test
    void equalCandidatesAreATie() {
        assertThat(shareSure(0, 0, -0.2)).as("share called sure").isLessThan(0.06);
    }

    /** Guards: a real difference of 10 % is found in spite of that care. Healthy: 83 % of 2000 called sure. */
    @Test
    void tenPercentIsFound() {
        assertThat(shareSure(0, 0.1, -0.2)).as("share called sure").isGreaterThan(0.75);
    }

    private static double shareSure(double... gains) {
        int sure = 0;
        int campaigns = 400;
        for (int seed = 0; seed < campaigns; seed++) {
            var comparison = Comparison.of(measured(seed, gains), 0, Objective.SCORE);
            sure += comparison.verdict() == Verdict.SURE ? 1 : 0;
        }
        return (double) sure / campaigns;
    }

    @Test
    void oneDeploymentIsNeverSure() {
        var once = measured(1, 0, 0.5).stream()
                .map(each -> new Figures(each.blocks().subList(0, BLOCKS)))
                .toList();
        var comparison = Comparison.of(once, 0, Objective.SCORE);
        assertThat(comparison.worthAnotherDeployment()).containsExactly(1, 0);
        assertThat(comparison.verdict()).isEqualTo(Verdict.TIE);
        assertThat(Comparison.of(measured(1, 0, 0.5), 0, Objective.SCORE).verdict())
                .isEqualTo(Verdict.SURE);
    }

    /** What died under load takes a deployment number and leaves no blocks; what it gave afterwards counts in full. */
    @Test
    void numbersOfDeploymentsMayHaveGaps() {
        var all = measured(1, 0, 0.5);
        var retried = new Figures(all.getLast().blocks().stream()
                .map(block -> new Figures.Block(block.deployment() + 1, block.number() + BLOCKS, block.metrics()))
                .toList());
        var comparison = Comparison.of(List.of(all.getFirst(), retried), 0, Objective.SCORE);
        assertThat(retried.deployments()).isEqualTo(2);
        assertThat(comparison.best().index()).isEqualTo(1);
        assertThat(comparison.verdict()).isEqualTo(Verdict.SURE);
        assertThat(comparison.best().overBaseline().mean())
                .isEqualTo(Comparison.of(all, 0, Objective.SCORE)
                        .best()
                        .overBaseline()
                        .mean());
    }

    @Test
    void scoreIsTheGeometricMeanOfTheRatios() {
        var slow = new Figures(List.of(block(0, 0, 1, 1), block(0, 1, 1, 1)));
        var fast = new Figures(List.of(block(0, 0, 2, 1), block(0, 1, 2, 1)));
        var best = Comparison.of(List.of(slow, fast), 0, Objective.SCORE).best();
        // Latency, input and output are twice as good, TTFT the same: the fourth root of 8.
        assertThat(best.overBaseline().mean())
                .isCloseTo(Math.pow(8, 0.25) - 1, org.assertj.core.data.Offset.offset(1e-9));
    }

    @Test
    void winnerThatLosesOneMetricIsATradeOffWithBothPicksNamed() {
        var baseline = figures(1, 1);
        var throughput = figures(1.5, 0.6);
        var little = figures(1.05, 1.05);
        var comparison = Comparison.of(List.of(baseline, throughput, little), 0, Objective.THROUGHPUT);
        assertThat(comparison.best().index()).isEqualTo(1);
        assertThat(comparison.verdict()).isEqualTo(Verdict.TRADE_OFF);
        assertThat(comparison.best().losses()).singleElement().asString().startsWith("TTFT of short is 40 % worse");
        assertThat(comparison.withoutLosses().index()).isEqualTo(2);
        assertThat(Comparison.of(List.of(baseline, throughput, little), 0, Objective.LATENCY)
                        .best()
                        .index())
                .isEqualTo(2);
    }

    private static Figures figures(double speed, double ttftSpeed) {
        var blocks = new ArrayList<Figures.Block>();
        for (int i = 0; i < 8; i++) {
            double wobble = 1 + 0.001 * (i % 3);
            blocks.add(block(i / 4, i, speed * wobble, ttftSpeed * wobble));
        }
        return new Figures(blocks);
    }
}
