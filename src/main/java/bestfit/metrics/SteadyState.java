package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;

import java.util.List;
import java.util.Optional;

/**
 * The part of a run without its beginning and its end: from when every request of the first wave has ended, until the last one
 * starts. The first wave are the requests that started before the first one ended, or before as many were under way as 90 %
 * of the most.
 *
 * @param requests those that started within it
 */
public record SteadyState(long fromNanos, long toNanos, List<Measurement> requests) {
    /** The rule, for people. */
    public static final String RULE =
            "from the end of the first wave (all that started before the first ended, or before 90 % of the most were"
                    + " under way) to the last start";

    private static final double FULL = 0.9;

    /** Empty where fewer requests started in it than the first wave had. */
    public static Optional<SteadyState> of(List<Measurement> all) {
        if (all.isEmpty()) {
            return Optional.empty();
        }
        long firstEnd = all.stream().mapToLong(Measurement::endNanos).min().orElseThrow();
        long rampEnd = Math.max(firstEnd, full(all));
        var wave = all.stream().filter(m -> m.startNanos() <= rampEnd).toList();
        long from = wave.stream().mapToLong(Measurement::endNanos).max().orElseThrow();
        long to = all.stream().mapToLong(Measurement::startNanos).max().orElseThrow();
        var inside = all.stream().filter(m -> m.startNanos() >= from).toList();
        return to > from && inside.size() >= wave.size()
                ? Optional.of(new SteadyState(from, to, inside))
                : Optional.empty();
    }

    /** When as many were under way as 90 % of the most. */
    private static long full(List<Measurement> all) {
        long[] starts = all.stream().mapToLong(Measurement::startNanos).sorted().toArray();
        long[] ends = all.stream().mapToLong(Measurement::endNanos).sorted().toArray();
        double enough = FULL * BenchMetrics.mostInFlight(all);
        int ended = 0;
        for (int started = 0; started < starts.length; started++) {
            while (ended < ends.length && ends[ended] < starts[started]) {
                ended++;
            }
            if (started + 1 - ended >= enough) {
                return starts[started];
            }
        }
        return starts[starts.length - 1];
    }

    public double seconds() {
        return (toNanos - fromNanos) / 1e9;
    }

    /** Output tokens that arrived within it, of all requests of the run, a second. */
    public double outputTokensPerSecond(List<Measurement> all) {
        double tokens = 0;
        for (var m : all) {
            int chunks = m.chunks().count();
            if (m.succeeded() && m.firstTokenNanos() != NEVER && chunks > 0) {
                int inside = 0;
                for (int i = 0; i < chunks; i++) {
                    long at = m.startNanos() + m.chunks().offsetNanos(i);
                    inside += at >= fromNanos && at < toNanos ? 1 : 0;
                }
                tokens += m.outputTokens() * (double) inside / chunks;
            }
        }
        return tokens / seconds();
    }
}
