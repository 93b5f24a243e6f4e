package bestfit.metrics;

import java.util.Arrays;

/**
 * Exact percentiles of a large sample of finite values. They are counted into buckets of equal width between least and most, and
 * only the bucket that holds the place asked for is looked into, again by buckets: some passes in order of the memory, without
 * the mispredicted branches of a sort or a selection by comparisons, of which each costs more than an event's share of the rest.
 */
final class Percentiles {
    private static final int SMALL = 64;

    private final double[] values;
    private final Buckets all;

    /** @param values at least one; are moved about */
    Percentiles(double[] values) {
        this.values = values;
        this.all = Buckets.of(values, values.length);
    }

    double least() {
        return all.least();
    }

    double most() {
        return all.most();
    }

    /**
     * As {@link Summary#percentile}.
     *
     * @param share 0 to 1
     */
    double at(double share) {
        double at = share * (values.length - 1);
        int below = (int) Math.floor(at);
        double value = value(below);
        return at == below ? value : value + (at - below) * (value(below + 1) - value);
    }

    /** The value that a sort would bring to this place. */
    private double value(int place) {
        var buckets = all;
        int within = place;
        int count = values.length;
        while (count > SMALL && buckets.splits()) {
            int bucket = buckets.holding(within);
            within -= buckets.before(bucket);
            count = gather(buckets, bucket, count);
            buckets = Buckets.of(values, count);
        }
        Arrays.sort(values, 0, count);
        return values[within];
    }

    /** Brings a bucket's values to the front, of the first {@code count}; tells how many there are. */
    private int gather(Buckets buckets, int bucket, int count) {
        int gathered = 0;
        for (int i = 0; i < count; i++) {
            double value = values[i];
            if (buckets.of(value) == bucket) {
                values[i] = values[gathered];
                values[gathered++] = value;
            }
        }
        return gathered;
    }

    /**
     * How many values lie in each of equal parts from least to most.
     *
     * @param perUnit buckets in one unit of the values
     */
    private record Buckets(double least, double most, double perUnit, int[] counts) {
        private static final int BUCKETS = 2048;

        static Buckets of(double[] values, int count) {
            double least = Double.POSITIVE_INFINITY;
            double most = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < count; i++) { // millions: comparisons are cheaper than calls
                double value = values[i];
                if (value < least) {
                    least = value;
                }
                if (value > most) {
                    most = value;
                }
            }
            var buckets = new Buckets(least, most, (BUCKETS - 1) / (most - least), new int[BUCKETS]);
            for (int i = 0; i < count && buckets.splits(); i++) {
                buckets.counts[buckets.of(values[i])]++;
            }
            return buckets;
        }

        /** False if all values are the same, or as good as the same. */
        boolean splits() {
            return perUnit > 0 && perUnit < Double.POSITIVE_INFINITY;
        }

        /** Never less for a larger value. */
        int of(double value) {
            return (int) ((value - least) * perUnit);
        }

        int holding(int place) {
            int bucket = 0;
            for (int upTo = counts[0]; upTo <= place; upTo += counts[bucket]) {
                bucket++;
            }
            return bucket;
        }

        int before(int bucket) {
            int before = 0;
            for (int i = 0; i < bucket; i++) {
                before += counts[i];
            }
            return before;
        }
    }
}
