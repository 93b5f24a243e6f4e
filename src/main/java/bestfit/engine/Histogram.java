package bestfit.engine;

/** Counts values in Prometheus' cumulative buckets. Thread-safe. */
final class Histogram {
    /** @param counts values up to each bound */
    record State(double[] bounds, long[] counts, long count, double sum) {}

    private final double[] bounds;
    private final long[] counts;
    private long count;
    private double sum;

    /** @param bounds upper bounds, ascending, without infinity */
    Histogram(double... bounds) {
        this.bounds = bounds.clone();
        this.counts = new long[bounds.length];
    }

    synchronized void add(double value) {
        count++;
        sum += value;
        for (int i = bounds.length - 1; i >= 0 && value <= bounds[i]; i--) {
            counts[i]++;
        }
    }

    synchronized State state() {
        return new State(bounds, counts.clone(), count, sum);
    }
}
