package bestfit.load;

import java.util.List;

/** How long answers of a closed loop may gather before they are read ({@link bestfit.http.StreamClient#gather}). */
final class GatherTime {
    /** This long at most, and a thousandth of what a request takes: so much is a user's next one late. */
    private static final long MOST_NANOS = 250_000;

    private static final long LEAST_NANOS = 50_000;
    private static final int REQUEST_SHARE = 1000;

    /** While no answer begins or ends nobody waits for the next one: then for this part of the time between two events. */
    private static final int MIDWAY_SHARE = 8;

    private static final long MOST_MIDWAY_NANOS = 2_500_000;

    private GatherTime() {}

    /**
     * Nanoseconds; 0 for not at all.
     *
     * @param requestNanos what a request takes
     * @param underWay all that are waited for; none where a user may send for another reason
     * @param aheadNanos for so long it will hold
     */
    static long nanos(long requestNanos, List<RequestRecorder> underWay, long aheadNanos) {
        long nanos = Math.min(MOST_NANOS, requestNanos / REQUEST_SHARE);
        return nanos < LEAST_NANOS ? 0 : Math.max(nanos, midwayNanos(underWay, aheadNanos));
    }

    private static long midwayNanos(List<RequestRecorder> underWay, long aheadNanos) {
        long nanos = underWay.isEmpty() ? 0 : MOST_MIDWAY_NANOS;
        for (int i = 0; i < underWay.size() && nanos > 0; i++) {
            nanos = Math.min(nanos, underWay.get(i).steadyGapNanos(aheadNanos) / MIDWAY_SHARE);
        }
        return nanos;
    }
}
