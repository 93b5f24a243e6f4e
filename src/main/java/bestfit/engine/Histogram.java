package bestfit.engine;

/** Counts values in Prometheus' cumulative buckets. Written by one thread; read under the same lock. */
final class Histogram {
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

    /** @param labels inside the braces */
    synchronized void write(StringBuilder out, String name, String labels) {
        out.append("# TYPE ").append(name).append(" histogram\n");
        for (int i = 0; i < bounds.length; i++) {
            bucket(out, name, labels, label(bounds[i]), counts[i]);
        }
        bucket(out, name, labels, "+Inf", count);
        out.append(name)
                .append("_count{")
                .append(labels)
                .append("} ")
                .append((double) count)
                .append('\n');
        out.append(name).append("_sum{").append(labels).append("} ").append(sum).append('\n');
    }

    private static String label(double bound) {
        return Double.toString(bound);
    }

    private static void bucket(StringBuilder out, String name, String labels, String bound, long count) {
        out.append(name)
                .append("_bucket{")
                .append(labels)
                .append(",le=\"")
                .append(bound)
                .append("\"} ");
        out.append((double) count).append('\n');
    }
}
