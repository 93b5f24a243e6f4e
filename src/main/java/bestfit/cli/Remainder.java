package bestfit.cli;

import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Measurement;
import bestfit.workload.Extent;
import bestfit.workload.SendSchedule;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;

/**
 * What an interrupted run left to be sent; all of it where there was none.
 *
 * @param before measured before the interruption
 */
record Remainder(BenchSetup setup, List<Measurement> before) {
    private static final Duration LEAST_INTERRUPTION = Duration.ofSeconds(1);

    /** The first request starts a little after the run's clock: less than this part of the run is none. */
    private static final int LEAST_PART = 100;

    /** Numbers of the requests that have ended. */
    BitSet done() {
        var done = new BitSet();
        before.forEach(measurement -> done.set(measurement.index()));
        return done;
    }

    /** Entries of the schedule that were sent; a conversation that was cut is begun anew. */
    int firstDue() {
        return setup.planned().ended(done(), asked());
    }

    /** In a closed loop, the time that is left; a schedule holds no more than what is due. */
    Extent extent() {
        var extent = setup.spec().workload().extent();
        return extent instanceof Extent.Lasting(Duration duration)
                        && setup.planned().schedule().isEmpty()
                        && !before.isEmpty()
                ? new Extent.Lasting(rest(duration))
                : extent;
    }

    private Duration rest(Duration whole) {
        var pause = setup.spec().workload().thinkTime();
        var rest = whole.minus(pause)
                .minusNanos(BenchMetrics.busyNanos(
                        before, pause.plus(LEAST_INTERRUPTION).toNanos()));
        return rest.compareTo(whole.dividedBy(LEAST_PART)) < 0 ? Duration.ZERO : rest;
    }

    boolean isNothing() {
        return !before.isEmpty()
                && (before.size() >= asked()
                        || setup.planned().schedule().map(SendSchedule::size).orElse(Integer.MAX_VALUE) <= firstDue()
                        || extent().mostNanos() == 0);
    }

    private int asked() {
        return setup.spec().workload().extent().mostRequests(Integer.MAX_VALUE);
    }
}
