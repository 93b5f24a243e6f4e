package bestfit.cli;

import bestfit.metrics.Measurement;
import java.util.ArrayDeque;
import java.util.Locale;

/** Output tokens per second and mean time to first token of a trial's last seconds. Not thread-safe. */
final class LiveFigures {
    private static final long WINDOW_NANOS = 3_000_000_000L;

    private final ArrayDeque<Measurement> window = new ArrayDeque<>();

    void add(Measurement measurement) {
        window.add(measurement);
        while (window.getFirst().endNanos() < measurement.endNanos() - WINDOW_NANOS) {
            window.removeFirst();
        }
    }

    /** Empty until a request has ended. */
    @Override
    public String toString() {
        if (window.isEmpty()) {
            return "";
        }
        long start = window.stream().mapToLong(Measurement::startNanos).min().orElseThrow();
        double seconds = Math.max(1e-3, (window.getLast().endNanos() - start) / 1e9);
        int tokens = window.stream()
                .filter(Measurement::succeeded)
                .mapToInt(Measurement::outputTokens)
                .sum();
        double ttft = window.stream()
                .filter(Measurement::succeeded)
                .mapToDouble(each -> each.timing().ttftSeconds())
                .average()
                .orElse(Double.NaN);
        return String.format(Locale.ROOT, "%.0f tok/s  TTFT %.3f s", tokens / seconds, ttft);
    }
}
