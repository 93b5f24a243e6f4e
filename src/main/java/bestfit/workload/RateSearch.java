package bestfit.workload;

import java.util.OptionalDouble;

/**
 * Looks for the highest rate that passes: doubles until one fails, halves until one passes, then bisects on a logarithmic scale.
 * Takes it that what passes at a rate passes below it. Not thread-safe.
 */
public final class RateSearch {
    private final double least;
    private final double most;
    private final double precision;
    private double next;
    private double passed = Double.NaN;
    private double failed = Double.NaN;

    /**
     * @param first rate that is tried
     * @param precision ends when the lowest failed rate is at most so much above the highest passed one; 0.1 is 10 %
     */
    public RateSearch(double least, double first, double most, double precision) {
        this.least = least;
        this.most = most;
        this.precision = precision;
        this.next = Math.clamp(first, least, most);
    }

    /** The rate to try now; empty when the answer is known. */
    public OptionalDouble next() {
        return Double.isNaN(next) ? OptionalDouble.empty() : OptionalDouble.of(next);
    }

    /** What became of {@link #next}. */
    public void tell(boolean pass) {
        if (pass) {
            passed = next;
        } else {
            failed = next;
        }
        if (Double.isNaN(failed)) {
            next = passed >= most ? Double.NaN : Math.min(most, 2 * passed);
        } else if (Double.isNaN(passed)) {
            next = failed <= least ? Double.NaN : Math.max(least, failed / 2);
        } else {
            next = failed <= passed * (1 + precision) ? Double.NaN : Math.sqrt(passed * failed);
        }
    }

    /** The highest rate that passed; empty if none did. */
    public OptionalDouble highestPassed() {
        return Double.isNaN(passed) ? OptionalDouble.empty() : OptionalDouble.of(passed);
    }

    /** The lowest rate that failed; empty if none did. */
    public OptionalDouble lowestFailed() {
        return Double.isNaN(failed) ? OptionalDouble.empty() : OptionalDouble.of(failed);
    }
}
