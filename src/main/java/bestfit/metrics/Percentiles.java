package bestfit.metrics;

import java.util.Arrays;

/**
 * Exact percentiles of a large sample of finite values. They are counted into buckets of equal width between least and most, and
 * only the buckets that hold a place asked for are looked into, again by buckets: some passes in order of the memory, without
 * the mispredicted branches of a sort or of a selection by comparisons.
 */
final class Percentiles {
    private static final int SMALL = 64;

    private final double[] values;
    private final int places;
    private final Buckets all;
    private final boolean[] wanted = new boolean[Buckets.COUNT];
    private final int kept;
    private final Buckets ofKept;
    private int sorted; // values at the front, of one bucket
    private int within; // where among them the place is that was looked for last

    /**
     * @param values at least one; are moved about
     * @param shares 0 to 1, all that will be asked for
     */
    Percentiles(double[] values, double... shares) {
        this.values = values;
        this.places = values.length;
        this.all = Buckets.of(values, places);
        for (double share : shares) {
            int below = below(share);
            wanted[all.holding(below)] = true;
            wanted[all.holding(Math.min(below + 1, places - 1))] = true;
        }
        this.kept = gather(all, wanted, places);
        this.ofKept = Buckets.of(values, kept);
    }

    double least() {
        return all.least();
    }

    double most() {
        return all.most();
    }

    /** As {@link Summary#percentile}, of one of the shares. */
    double at(double share) {
        int below = below(share);
        double value = value(below);
        double beyond = share * (places - 1) - below;
        return beyond == 0 ? value : value + beyond * (valueAfter(below) - value);
    }

    private int below(double share) {
        return (int) Math.floor(share * (places - 1));
    }

    /** The value that a sort would bring to this place. */
    private double value(int place) {
        var buckets = ofKept;
        int count = kept;
        within = place - leftOutBefore(place);
        while (count > SMALL && buckets.splits()) {
            int bucket = buckets.holding(within);
            within -= buckets.before(bucket);
            var one = new boolean[Buckets.COUNT];
            one[bucket] = true;
            count = gather(buckets, one, count);
            buckets = Buckets.of(values, count);
        }
        Arrays.sort(values, 0, count);
        sorted = count;
        return values[within];
    }

    /** The one after a place that was just looked for; it is often of the same bucket. */
    private double valueAfter(int place) {
        return within + 1 < sorted ? values[within + 1] : value(place + 1);
    }

    private int leftOutBefore(int place) {
        int leftOut = 0;
        int its = all.holding(place);
        for (int bucket = 0; bucket < its; bucket++) {
            leftOut += wanted[bucket] ? 0 : all.counts()[bucket];
        }
        return leftOut;
    }

    /** Brings the values of some buckets to the front, of the first {@code count}; tells how many there are. */
    private int gather(Buckets buckets, boolean[] some, int count) {
        int gathered = 0;
        for (int i = 0; i < count; i++) {
            double value = values[i];
            if (some[buckets.of(value)]) {
                values[i] = values[gathered];
                values[gathered++] = value;
            }
        }
        return gathered;
    }

    /**
     * How many values lie in each of equal parts from least to most; all in the first if they cannot be told apart so.
     *
     * @param perUnit buckets in one unit of the values
     */
    private record Buckets(double least, double most, double perUnit, int[] counts) {
        private static final int COUNT = 2048;

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
            double perUnit = (COUNT - 1) / (most - least);
            var counts = new int[COUNT];
            var buckets = new Buckets(least, most, perUnit < Double.POSITIVE_INFINITY ? perUnit : 0, counts);
            for (int i = 0; i < count; i++) {
                counts[buckets.of(values[i])]++;
            }
            return buckets;
        }

        boolean splits() {
            return perUnit > 0;
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
