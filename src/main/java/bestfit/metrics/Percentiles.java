package bestfit.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Exact percentiles of a large sample of finite values. They are counted into buckets of equal width between least and most, only
 * the buckets that hold a place asked for are kept and counted again, and what such passes narrow no further is sorted: passes in
 * order of the memory, without the mispredicted branches of a sort or of a selection by comparisons.
 */
final class Percentiles {
    private static final int SMALL = 64;

    private final double[] values;
    private final Buckets all;
    private final List<Narrowing> narrowings = new ArrayList<>();

    /**
     * @param values at least one; are moved about
     * @param shares 0 to 1, all that will be asked for
     */
    Percentiles(double[] values, double... shares) {
        this.values = values;
        this.all = Buckets.of(values, values.length);
        var places = places(shares);
        var buckets = all;
        int count = values.length;
        boolean narrows = true;
        while (count > SMALL && narrows) {
            var narrowing = Narrowing.to(places, buckets);
            narrowings.add(narrowing);
            int kept = narrowing.gather(values, count);
            var ofKept = Buckets.of(values, kept);
            narrows = kept < count / 2 || ofKept.perUnit() > 2 * buckets.perUnit();
            places = Arrays.stream(places).map(narrowing::placeAfter).toArray();
            buckets = ofKept;
            count = kept;
        }
        Arrays.sort(values, 0, count);
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
        double beyond = share * (values.length - 1) - below;
        return beyond == 0 ? value : value + beyond * (value(below + 1) - value);
    }

    private int below(double share) {
        return (int) Math.floor(share * (values.length - 1));
    }

    private int[] places(double... shares) {
        return Arrays.stream(shares)
                .mapToInt(this::below)
                .flatMap(below -> IntStream.of(below, Math.min(below + 1, values.length - 1)))
                .toArray();
    }

    /** The value that a sort would bring to this place. */
    private double value(int place) {
        int within = place;
        for (var narrowing : narrowings) {
            within = narrowing.placeAfter(within);
        }
        return values[within];
    }

    /** Leaves out all buckets that hold no place that is wanted. */
    private record Narrowing(Buckets buckets, boolean[] wanted) {
        static Narrowing to(int[] places, Buckets buckets) {
            var wanted = new boolean[Buckets.COUNT];
            for (int place : places) {
                wanted[buckets.holding(place)] = true;
            }
            return new Narrowing(buckets, wanted);
        }

        /** Brings those that are kept to the front, of the first {@code count}; tells how many there are. */
        int gather(double[] values, int count) {
            int gathered = 0;
            for (int i = 0; i < count; i++) {
                double value = values[i];
                if (wanted[buckets.of(value)]) {
                    values[i] = values[gathered];
                    values[gathered++] = value;
                }
            }
            return gathered;
        }

        int placeAfter(int place) {
            int leftOut = 0;
            int its = buckets.holding(place);
            for (int bucket = 0; bucket < its; bucket++) {
                leftOut += wanted[bucket] ? 0 : buckets.counts()[bucket];
            }
            return place - leftOut;
        }
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
    }
}
