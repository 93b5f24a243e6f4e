package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunMeansTest {
    private static final int PAIRS = 2000;
    private static final double LEVEL = 0.95;

    private final SplittableRandom random = new SplittableRandom(1);

    /** Runs of a server that takes about 100 ms, each a little off, and each sure of itself to a tenth of that. */
    private RunMeans runs(int count, double mean, double spread) {
        return of(IntStream.range(0, count)
                .mapToDouble(_ -> mean + spread * random.nextGaussian())
                .toArray());
    }

    private static RunMeans of(double... means) {
        return new RunMeans(Arrays.stream(means)
                .mapToObj(mean -> new MeanEstimate(mean, 0.01, 64))
                .toList());
    }

    private static boolean apart(RunMeans a, RunMeans b) {
        var change = a.to(b, LEVEL);
        return change.low() > 0 || change.high() < 0;
    }

    private static double share(int count) {
        return count / (double) PAIRS;
    }

    /** 5 % of alarms are meant. Welch's t, which is too careful with so few runs, raises 0.5 % with two a side and 2.4 with three. */
    @ParameterizedTest
    @CsvSource({"2, 1", "3, 1", "5, 1", "3, 5"})
    void sameServer_isCalledAnotherAsOftenAsTheLevelSays(int count, double spread) {
        int alarms = 0;
        for (int pair = 0; pair < PAIRS; pair++) {
            alarms += apart(runs(count, 100, spread), runs(count, 100, spread)) ? 1 : 0;
        }
        assertThat(share(alarms)).isBetween(0.03, 0.065);
    }

    /** 0.64 of the pairs; Welch's t finds 0.43. */
    @Test
    void fivePercent_isFoundThoughRunsSpreadByTwo() {
        int found = 0;
        for (int pair = 0; pair < PAIRS; pair++) {
            found += runs(3, 100, 2).to(runs(3, 105, 2), LEVEL).low() > 0 ? 1 : 0;
        }
        assertThat(share(found)).isGreaterThan(0.58);
    }

    /** That three runs are alike to the last digit is chance, where each is sure to 1 % only. */
    @Test
    void runsThatAgreeByChance_areNoSurerThanEachOfItself() {
        var unsure = new MeanEstimate(100, 1, 64);
        var other = new MeanEstimate(101, 1, 64);
        var change =
                new RunMeans(List.of(unsure, unsure, unsure)).to(new RunMeans(List.of(other, other, other)), LEVEL);
        assertThat(change.low()).isLessThan(-0.005);
        assertThat(change.high()).isGreaterThan(0.025);
    }

    @Test
    void singleRunBesideSeveral_isTakenToSpreadAsThey() {
        assertThat(apart(of(100, 101, 99, 100), of(102))).isFalse();
        assertThat(apart(of(100, 101, 99, 100), of(106))).isTrue();
        assertThat(apart(of(100), of(102))).as("alone it knows of no spread").isTrue();
    }

    @Test
    void withoutErrorsOfItsOwn_severalRunsTellYetSingleOnesDoNot() {
        var plain = new MeanEstimate(100, Double.NaN, 1);
        var more = new MeanEstimate(100.2, Double.NaN, 1);
        var slow = new MeanEstimate(110, Double.NaN, 1);
        assertThat(new RunMeans(List.of(plain)).comparableWith(new RunMeans(List.of(slow))))
                .isFalse();
        var several = new RunMeans(List.of(plain, more));
        assertThat(several.comparableWith(new RunMeans(List.of(slow, slow)))).isTrue();
        assertThat(apart(several, new RunMeans(List.of(slow, slow)))).isTrue();
    }

    @Test
    void oddRun_isTheOneThatIsFarFromOthersThatAgree() {
        var odd = of(100, 100.5, 120).odd(of(99.7, 100.2, 100.1)).orElseThrow();
        assertThat(odd.run()).isEqualTo(2);
        assertThat(odd.value()).isEqualTo(120);
        assertThat(odd.others()).isEqualTo(100.25);
        assertThat(of(100, 100.5, 80).odd(of(100, 100.5, 120)))
                .as("another on the other side")
                .isPresent();
        assertThat(of(100, 100, 120).odd(of(100, 100, 100)))
                .as("all others alike")
                .isPresent();
    }

    @Test
    void noRunIsOdd_ofTwo_orWithinFivePercent_orWhereRunsSpread() {
        assertThat(of(100, 120).odd(of(100, 100.5, 99.5))).isEmpty();
        assertThat(of(100, 100.1, 120).odd(of(100)))
                .as("nothing tells how far runs are apart")
                .isEmpty();
        assertThat(of(100, 100.1, 104).odd(of(100, 100.1, 99.9))).isEmpty();
        assertThat(of(100, 93, 120).odd(of(95, 104, 108))).isEmpty();
    }

    /** Of normal runs, whatever their spread, hardly one is called odd: 1.6 to 2.2 % of the sides if ten times the usual were enough. */
    @ParameterizedTest
    @CsvSource({"3, 1", "3, 3", "3, 6", "6, 3"})
    void normalRuns_areHardlyEverOdd(int count, double spread) {
        int odd = 0;
        for (int pair = 0; pair < PAIRS; pair++) {
            odd += runs(count, 100, spread).odd(runs(count, 100, spread)).isPresent() ? 1 : 0;
        }
        assertThat(share(odd)).isLessThan(0.011);
    }
}
