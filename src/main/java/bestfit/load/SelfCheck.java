package bestfit.load;

import bestfit.metrics.Measurement;
import bestfit.metrics.Summary;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a run's numbers are the server's or the client's own.
 *
 * @param reasons why the run is INVALID and what to do; empty if it is VALID
 * @param cpuShare of one core, used by this process during the run
 * @param sendLagMillis 95th percentile of the time from taking a request up to handing it to the socket
 * @param readLagMillis mean time that an event loop, woken because bytes had arrived, waited for a core before it could
 *     stamp them; NaN where the system does not tell
 */
public record SelfCheck(List<String> reasons, double cpuShare, double sendLagMillis, double readLagMillis) {
    private static final double MOST_LAG_SHARE = 0.05;
    private static final double LEAST_LAG_MILLIS = 2;
    private static final double LEAST_LOOP_LAG_MILLIS = 10;
    private static final double MOST_CPU_SHARE_PER_LOOP = 0.80;

    public boolean valid() {
        return reasons.isEmpty();
    }

    public String verdict() {
        return valid() ? "VALID" : "INVALID";
    }

    static SelfCheck of(
            List<Measurement> measurements, ClientCpu before, ClientCpu after, ClientEffort effort, int loops) {
        double wallNanos = Math.max(1, after.nanos() - before.nanos());
        double cpuShare = (after.cpuNanos() - before.cpuNanos()) / wallNanos;
        double sendLag = sendLagMillis(measurements);
        double readLag = (after.waitNanos() - before.waitNanos()) / Math.max(1, after.wakes() - before.wakes()) / 1e6;
        double bearable = Math.max(LEAST_LAG_MILLIS, MOST_LAG_SHARE * meanFirstTokenMillis(measurements));
        var reasons = new ArrayList<String>();
        if (sendLag > bearable) {
            reasons.add(("Requests left %.1f ms late (95th percentile), more than %.1f ms (%.0f %% of the mean TTFT):"
                            + " give the client more CPU or use fewer users.")
                    .formatted(sendLag, bearable, 100 * MOST_LAG_SHARE));
        }
        if (readLag > bearable) {
            reasons.add(("Answers were read %.1f ms late (mean wait for a core), more than %.1f ms (%.0f %% of the mean"
                            + " TTFT): leave the client a core of its own or run it on another machine.")
                    .formatted(readLag, bearable, 100 * MOST_LAG_SHARE));
        }
        double mostLag = Math.max(LEAST_LOOP_LAG_MILLIS, 4 * bearable);
        if (effort.lagMillis() > mostLag) {
            reasons.add(
                    ("The client was up to %.1f ms late in what it does (99th percentile), more than %.1f ms: leave it"
                                    + " a core of its own or run it on another machine.")
                            .formatted(effort.lagMillis(), mostLag));
        }
        if (cpuShare > MOST_CPU_SHARE_PER_LOOP * loops) {
            reasons.add(
                    "The client used %.0f %% of a core with %d event loops, more than %.0f %% each: it was the bottleneck; use fewer users or more client cores."
                            .formatted(100 * cpuShare, loops, 100 * MOST_CPU_SHARE_PER_LOOP));
        }
        return new SelfCheck(List.copyOf(reasons), cpuShare, sendLag, readLag);
    }

    private static double sendLagMillis(List<Measurement> measurements) {
        var lags = measurements.stream()
                .filter(m -> m.sentNanos() != Measurement.NEVER)
                .mapToDouble(m -> (m.sentNanos() - m.intendedNanos()) / 1e6)
                .toArray();
        return lags.length == 0 ? 0 : Summary.percentile(lags, 0.95);
    }

    private static double meanFirstTokenMillis(List<Measurement> measurements) {
        return measurements.stream()
                .filter(m -> m.succeeded() && m.firstTokenNanos() != Measurement.NEVER)
                .mapToDouble(m -> (m.firstTokenNanos() - m.startNanos()) / 1e6)
                .average()
                .orElse(Double.POSITIVE_INFINITY);
    }
}
