package bestfit.workload;

import java.util.OptionalDouble;

/**
 * Looks for the highest rate that passes: doubles until one fails, halves until one passes, then bisects on a logarithmic scale.
 * Takes it that what passes at a rate passes below it. What a short probe passes, a queue that grows slowly may still break: the
 * rate that is found is tried again {@link #thorough thoroughly} before it is told, and where it fails then, the search goes on
 * below it with thorough probes only. Not thread-safe.
 */
public final class RateSearch {
    private final double least;
    private final double most;
    private final double precision;
    private double next;
    private boolean thorough;
    private boolean confirming;
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

    /** True when {@link #next} is to be tried for long enough to see the queue of a server that is short of it grow. */
    public boolean thorough() {
        return thorough;
    }

    /** True when the rate to try now had passed a probe that was not thorough. */
    public boolean confirming() {
        return confirming;
    }

    /** What became of {@link #next}. */
    public void tell(boolean pass) {
        if (pass) {
            passed = next;
        } else {
            failed = next;
        }
        if (confirming && !pass) {
            passed = Double.NaN; // what passed a short probe may fail a thorough one
        }
        next = confirming && pass ? Double.NaN : following();
        confirming = Double.isNaN(next) && !thorough && !Double.isNaN(passed);
        if (confirming) {
            thorough = true;
            next = passed;
        }
    }

    private double following() {
        if (Double.isNaN(failed)) {
            return passed >= most ? Double.NaN : Math.min(most, 2 * passed);
        }
        if (Double.isNaN(passed)) {
            return failed <= least ? Double.NaN : Math.max(least, failed / 2);
        }
        return failed <= passed * (1 + precision) ? Double.NaN : Math.sqrt(passed * failed);
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
