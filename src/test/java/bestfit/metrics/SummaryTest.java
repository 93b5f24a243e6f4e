package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SummaryTest {
    @Test
    void interval_fromStudentsTable() {
        // n = 5, mean 3, sd √2.5; t(4, 97.5 %) = 2.776445
        var summary = Summary.of(1, 2, 3, 4, 5);
        assertThat(summary.sd()).isCloseTo(1.5811388, within(1e-6));
        assertThat(summary.high() - summary.mean()).isCloseTo(2.776445 * 1.5811388 / 2.2360680, within(1e-5));
        assertThat(summary.mean() - summary.low()).isCloseTo(summary.high() - summary.mean(), within(1e-12));
    }

    @Test
    void oneValue_hasNoInterval() {
        assertThat(Summary.of(List.of(7.0)).hasInterval()).isFalse();
        assertThat(Summary.of(7).low()).isNaN();
        assertThatThrownBy(() -> Summary.of()).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void percentile_interpolates() {
        assertThat(Summary.percentile(new double[] {4, 1, 3, 2}, 0.5)).isEqualTo(2.5);
        assertThat(Summary.percentile(new double[] {4, 1, 3, 2}, 1)).isEqualTo(4);
    }

    @Test
    void chunkTimes_surviveTheirBytes() {
        var times = ChunkTimes.of(new long[] {0, 1, 127, 255, 3_000_000_000L, 900_000_000_000L, -1}, 6);
        assertThat(ChunkTimes.fromBytes(times.toBytes())).isEqualTo(times);
        assertThat(times.toBytes()).hasSizeLessThan(20);
    }
}
