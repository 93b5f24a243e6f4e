package bestfit.metrics;

import java.util.Arrays;

/**
 * Exact percentiles of a large sample, asked for in ascending order. Each moves the sample apart around its place only as far as
 * is needed (Hoare's selection), which takes a tenth of the time of a sort of millions.
 */
final class Percentiles {
    private static final int SMALL = 64;
    private static final int MOST_ROUNDS = 100;

    private final double[] values;
    private int from;

    /** @param values are moved about */
    Percentiles(double[] values) {
        this.values = values;
    }

    /**
     * As {@link Summary#percentile}.
     *
     * @param share 0 to 1, not below that of the call before
     */
    double next(double share) {
        double at = share * (values.length - 1);
        int below = (int) Math.floor(at);
        select(below);
        from = below;
        return at == below ? values[below] : values[below] + (at - below) * (leastAfter(below) - values[below]);
    }

    private double leastAfter(int place) {
        double least = values[place + 1];
        for (int i = place + 2; i < values.length; i++) {
            if (values[i] < least) {
                least = values[i];
            }
        }
        return least;
    }

    /** Brings the value that a sort would bring to this place there; none before is larger, none after smaller. */
    private void select(int place) {
        int low = from;
        int high = values.length - 1;
        for (int round = 0; high - low > SMALL; round++) {
            if (round == MOST_ROUNDS) {
                break; // an order made to defeat this
            }
            double pivot = median(values[low], values[(low + high) >>> 1], values[high]);
            int left = low;
            int right = high;
            while (left <= right) {
                while (values[left] < pivot) {
                    left++;
                }
                while (values[right] > pivot) {
                    right--;
                }
                if (left <= right) {
                    double moved = values[left];
                    values[left++] = values[right];
                    values[right--] = moved;
                }
            }
            if (place <= right) {
                high = right;
            } else if (place >= left) {
                low = left;
            } else {
                return; // between them stands the pivot
            }
        }
        Arrays.sort(values, low, high + 1);
    }

    private static double median(double a, double b, double c) {
        return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    }
}
