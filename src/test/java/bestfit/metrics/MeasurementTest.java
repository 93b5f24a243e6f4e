package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.time.NanoClock;
import bestfit.time.ScaledClock;
import org.junit.jupiter.api.Test;

class MeasurementTest {
    /** Simulated hardware runs faster than life; what it measured is told in its own time, and nothing of it is lost. */
    @Test
    void onAScaledClock_everyTimeIsScaled_andTokensStayWhatTheyWere() {
        var clock = new ScaledClock(NanoClock.SYSTEM, 0, 10);
        long start = 1000;
        var measured = new Measurement(
                1,
                0,
                start,
                start,
                start + 1,
                start + 2,
                start + 3,
                start + 50,
                start + 70,
                start + 80,
                5,
                7,
                null,
                0,
                ChunkTimes.of(new long[] {3, 50, 70}, 3).withTokens(new int[] {2, 1, 4}));
        var scaled = measured.on(clock);
        assertThat(scaled.firstAnswerNanos() - scaled.startNanos()).isEqualTo(500);
        assertThat(scaled.endNanos() - scaled.startNanos()).isEqualTo(800);
        assertThat(scaled.chunks().offsetNanos(1)).isEqualTo(500);
        assertThat(scaled.chunks().tokens()).containsExactly(2, 1, 4);
    }
}
