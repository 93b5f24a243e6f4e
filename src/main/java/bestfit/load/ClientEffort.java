package bestfit.load;

import bestfit.metrics.Summary;
import java.util.Arrays;

/**
 * What a run cost the machine that measures, and how steady it ran.
 *
 * @param cpuSeconds processor time of this process during the run, all threads
 * @param cpuShare the same per second of the run
 * @param lagMillis 99th percentile of the time that a due task of the event loop waited, looked at 50 times a second: too
 *     much to read, garbage collection, a core taken away
 * @param longestLagMillis the longest of these
 * @param gcMillis all threads stood still for the garbage collector
 * @param waitMillis its event loops were ready to run and had no core; NaN where the system does not tell
 * @param kernelStamps every answer's time is the kernel's stamp of its arrival; else that of its read counted for some
 * @param rests how often it slept for a moment to let answers gather, whose times this leaves as they are; never in an open loop
 * @param suspendedMillis wall clock less monotonic clock: the machine slept, or its clock was set
 */
public record ClientEffort(
        double cpuSeconds,
        double cpuShare,
        double lagMillis,
        double longestLagMillis,
        double suspendedMillis,
        double gcMillis,
        double waitMillis,
        boolean kernelStamps,
        long rests) {
    static ClientEffort between(
            ClientCpu before, ClientCpu after, double[] lagMillis, long wallMillis, boolean kernelStamps, long rests) {
        double nanos = Math.max(1, after.nanos() - before.nanos());
        double cpuNanos = after.cpuNanosSince(before);
        return new ClientEffort(
                cpuNanos / 1e9,
                cpuNanos / nanos,
                lagMillis.length == 0 ? 0 : Summary.percentile(lagMillis, 0.99),
                Arrays.stream(lagMillis).max().orElse(0),
                Math.max(0, wallMillis - nanos / 1e6),
                after.gcMillis() - before.gcMillis(),
                (after.waitNanos() - before.waitNanos()) / 1e6,
                kernelStamps,
                rests);
    }
}
