package bestfit.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SendScheduleTest {
    private static final Extent COUNT = new Extent.Requests(20_000);
    private static final double RATE = 50;

    /** Gaps in units of their mean. */
    private static double[] gaps(SendSchedule schedule) {
        var gaps = new double[schedule.size()];
        for (int k = 0; k < gaps.length; k++) {
            gaps[k] = (schedule.offsetNanos(k) - (k == 0 ? 0 : schedule.offsetNanos(k - 1))) / 1e9 * RATE;
        }
        return gaps;
    }

    private static double variation(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        return Math.sqrt(Arrays.stream(values)
                        .map(x -> (x - mean) * (x - mean))
                        .average()
                        .orElseThrow())
                / mean;
    }

    /** Kolmogorov and Smirnov's distance to the exponential distribution, whose 1 % point is 1.63 / √n. */
    @Test
    void poisson_passesKolmogorovSmirnov() {
        var gaps = gaps(SendSchedule.poisson(RATE, COUNT, 7));
        Arrays.sort(gaps);
        double distance = 0;
        for (int i = 0; i < gaps.length; i++) {
            double expected = 1 - Math.exp(-gaps[i]);
            distance = Math.max(
                    distance, Math.max(expected - i / (double) gaps.length, (i + 1.0) / gaps.length - expected));
        }
        assertThat(distance).isLessThan(1.63 / Math.sqrt(gaps.length));
    }

    @Test
    void gamma_hasTheRateAndTheVariationOfItsShape() {
        for (double shape : new double[] {0.25, 4}) {
            var gaps = gaps(SendSchedule.gamma(RATE, shape, COUNT, 7));
            assertThat(Arrays.stream(gaps).average().orElseThrow()).isCloseTo(1, within(0.06));
            assertThat(variation(gaps)).isCloseTo(1 / Math.sqrt(shape), within(0.06));
        }
    }

    @Test
    void constant_ends_andDoesNotDrift() {
        var schedule = SendSchedule.constant(3, new Extent.Lasting(Duration.ofSeconds(1000)));
        assertThat(schedule.size()).isEqualTo(2999);
        assertThat(schedule.offsetNanos(2998)).isCloseTo(2999L * 1_000_000_000 / 3, within(1000L));
        assertThat(schedule.offsetNanos(2999)).isEqualTo(SendSchedule.END);
    }

    @Test
    void sameSeed_sameTimes_andTheRestKeepsItsGaps() {
        var whole = SendSchedule.poisson(RATE, COUNT, 3);
        var rest = SendSchedule.poisson(RATE, COUNT, 3).from(100);
        assertThat(rest.size()).isEqualTo(19_900);
        assertThat(rest.offsetNanos(0)).isZero();
        assertThat(rest.offsetNanos(50)).isEqualTo(whole.offsetNanos(150) - whole.offsetNanos(100));
        assertThat(whole.from(20_000).offsetNanos(0)).isEqualTo(SendSchedule.END);
    }
}
