package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WindowTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void tokensAndRequests_areCountedWhereTheyCame() {
        var all = new ArrayList<Measurement>();
        // starts at 0.5 s, a token each at 1, 2 and 3 s, ends with the last
        all.add(request(SECOND / 2, null, SECOND / 2, 3 * SECOND / 2, 5 * SECOND / 2));
        all.add(request(0, "reset: gone"));
        var windows = Window.of(all);

        assertThat(windows).hasSize(3);
        assertThat(windows).extracting(Window::ok).containsExactly(0, 0, 1);
        assertThat(windows).extracting(Window::failed).containsExactly(1, 0, 0);
        assertThat(windows).extracting(Window::outputTokensPerSecond).containsExactly(0.0, 1.0, 2.0);
        assertThat(windows.get(1).ttftMillis()).isEqualTo(500);
        assertThat(windows.get(2).ttftMillis()).isNaN();
        assertThat(windows).extracting(Window::inFlight).containsExactly(0.5, 1.0, 1.0);
    }

    @Test
    void longRun_hasAtMostSixty() {
        var all = new ArrayList<Measurement>();
        for (int i = 0; i < 1000; i++) {
            all.add(request(i * SECOND, null, SECOND));
        }
        var windows = Window.of(all);
        assertThat(windows).hasSizeLessThanOrEqualTo(60).allMatch(window -> window.seconds() <= 30);
        assertThat(windows.stream().mapToInt(Window::ok).sum()).isEqualTo(1000);
        assertThat(windows.stream()
                        .mapToDouble(window -> window.seconds() * window.outputTokensPerSecond())
                        .sum())
                .isCloseTo(1000, within(1e-6));
        assertThat(Window.of(new ArrayList<>())).isEmpty();
    }

    private static Measurement request(long start, @Nullable String failure, long... offsets) {
        long end = start + (offsets.length == 0 ? 0 : offsets[offsets.length - 1]);
        long first = offsets.length == 0 ? Measurement.NEVER : start + offsets[0];
        return new Measurement(
                0,
                0,
                start,
                start,
                start,
                first,
                first,
                offsets.length == 0 ? Measurement.NEVER : end,
                end,
                1,
                offsets.length,
                failure,
                0,
                ChunkTimes.of(offsets, offsets.length));
    }
}
