package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SteadyStateTest {
    private static final long SECOND = 1_000_000_000L;

    /** A token every tenth of a second. */
    private static Measurement request(int index, long start, long end) {
        int tokens = (int) ((end - start + 1) * 10 / SECOND);
        var chunks = new long[tokens];
        for (int i = 0; i < tokens; i++) {
            chunks[i] = (i + 1) * SECOND / 10;
        }
        return new Measurement(
                index,
                0,
                start,
                start,
                start,
                NEVER,
                start + chunks[0],
                end,
                end,
                1,
                tokens,
                null,
                0,
                ChunkTimes.of(chunks, tokens));
    }

    @Test
    void firstWaveAndTail_areCutOff() {
        var all = new ArrayList<Measurement>();
        for (int user = 0; user < 4; user++) { // the first wave is slow, and the users do not end together
            long at = (6 + user) * SECOND / 2;
            all.add(request(all.size(), 0, at));
            for (int i = 0; i < 5; i++) {
                all.add(request(all.size(), at + 1, at + SECOND));
                at += SECOND;
            }
        }
        var steady = SteadyState.of(all).orElseThrow();
        assertThat(steady.fromNanos()).isEqualTo(9 * SECOND / 2);
        assertThat(steady.toNanos()).isEqualTo(17 * SECOND / 2 + 1);
        assertThat(steady.requests()).allMatch(m -> m.startNanos() >= 9 * SECOND / 2);
        assertThat(steady.outputTokensPerSecond(all)).isCloseTo(37.5, within(3.0));
        assertThat(SteadyState.of(List.of(request(0, 0, SECOND)))).isEmpty();
    }
}
