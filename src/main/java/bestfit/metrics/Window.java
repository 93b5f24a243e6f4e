package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;

import java.util.ArrayList;
import java.util.List;

/**
 * One of the equal windows that a run is cut into, to show how it went on.
 *
 * @param fromSeconds after the first request's start
 * @param seconds its length; the last one's is what was left
 * @param ok requests that ended in it with success
 * @param failed requests that ended in it without
 * @param inFlight requests under way, in the mean
 * @param outputTokensPerSecond of successful requests, each token when its event came
 * @param ttftMillis mean of the requests whose first token came in it; NaN without one
 * @param ttftP95Millis their 95th percentile; NaN without one
 */
public record Window(
        double fromSeconds,
        double seconds,
        int ok,
        int failed,
        double inFlight,
        double outputTokensPerSecond,
        double ttftMillis,
        double ttftP95Millis) {
    private static final int MOST = 60;
    private static final long[] LENGTHS_SECONDS = {1, 2, 5, 10, 30, 60, 300, 600, 3600, 86_400};

    /** In order of time: of a second each, or as much longer as makes at most sixty of them. */
    public static List<Window> of(List<Measurement> all) {
        if (all.isEmpty()) {
            return List.of();
        }
        long first = all.stream().mapToLong(Measurement::startNanos).min().orElseThrow();
        long nanos = all.stream().mapToLong(Measurement::endNanos).max().orElseThrow() - first;
        long length = LENGTHS_SECONDS[LENGTHS_SECONDS.length - 1] * 1_000_000_000;
        for (int i = LENGTHS_SECONDS.length - 1; i >= 0 && nanos <= MOST * LENGTHS_SECONDS[i] * 1_000_000_000; i--) {
            length = LENGTHS_SECONDS[i] * 1_000_000_000;
        }
        var tallies = new ArrayList<Tally>();
        for (long from = 0; from < Math.max(1, nanos); from += length) {
            tallies.add(new Tally(from, Math.min(length, Math.max(1, nanos) - from)));
        }
        for (var m : all) {
            add(tallies, m, first, length);
        }
        return tallies.stream().map(Tally::window).toList();
    }

    private static void add(List<Tally> tallies, Measurement m, long first, long length) {
        long start = m.startNanos() - first;
        long end = m.endNanos() - first;
        for (int i = (int) (start / length); i < tallies.size() && tallies.get(i).from <= end; i++) {
            tallies.get(i).underWay(start, end);
        }
        var last = at(tallies, end, length);
        if (!m.succeeded()) {
            last.failed++;
            return;
        }
        last.ok++;
        if (m.firstTokenNanos() != NEVER) {
            at(tallies, m.firstTokenNanos() - first, length).ttfts.add((m.firstTokenNanos() - m.startNanos()) / 1e6);
        }
        int chunks = m.chunks().count();
        for (int i = 0; i < chunks; i++) {
            at(tallies, start + m.chunks().offsetNanos(i), length).tokens += m.outputTokens() / (double) chunks;
        }
    }

    private static Tally at(List<Tally> tallies, long nanos, long length) {
        return tallies.get(Math.clamp(nanos / length, 0, tallies.size() - 1));
    }

    private static final class Tally {
        private final long from;
        private final long length;
        private final List<Double> ttfts = new ArrayList<>();
        private int ok;
        private int failed;
        private double tokens;
        private double busyNanos;

        Tally(long from, long length) {
            this.from = from;
            this.length = length;
        }

        void underWay(long start, long end) {
            busyNanos += Math.max(0, Math.min(end, from + length) - Math.max(start, from));
        }

        Window window() {
            double seconds = length / 1e9;
            var sample = ttfts.stream().mapToDouble(Double::doubleValue).toArray();
            return new Window(
                    from / 1e9,
                    seconds,
                    ok,
                    failed,
                    busyNanos / length,
                    tokens / seconds,
                    sample.length == 0 ? Double.NaN : Summary.of(sample).mean(),
                    sample.length == 0 ? Double.NaN : Summary.percentile(sample, 0.95));
        }
    }
}
