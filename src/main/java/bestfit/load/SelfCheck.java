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
 * @param waitShare of the run's time that the client's event loops waited for a core; NaN where the system does not tell
 * @param sendLagMillis 95th percentile of the time from taking a request up to handing it to the socket
 */
public record SelfCheck(List<String> reasons, double cpuShare, double waitShare, double sendLagMillis) {
    private static final double MOST_LAG_SHARE = 0.05;
    private static final double LEAST_LAG_MILLIS = 2;
    private static final double MOST_WAIT_SHARE = 0.10;
    private static final double MOST_CPU_SHARE_PER_LOOP = 0.80;

    public boolean valid() {
        return reasons.isEmpty();
    }

    public String verdict() {
        return valid() ? "VALID" : "INVALID";
    }

    static SelfCheck of(List<Measurement> measurements, ClientCpu before, ClientCpu after, int loops) {
        double wallNanos = Math.max(1, after.nanos() - before.nanos());
        double cpuShare = (after.cpuNanos() - before.cpuNanos()) / wallNanos;
        double waitShare = (after.waitNanos() - before.waitNanos()) / wallNanos;
        double lag = sendLagMillis(measurements);
        var reasons = new ArrayList<String>();
        double firstTokenMillis = meanFirstTokenMillis(measurements);
        if (lag > LEAST_LAG_MILLIS && lag > MOST_LAG_SHARE * firstTokenMillis) {
            reasons.add(
                    "Requests left %.1f ms late (95th percentile), more than %.0f %% of the mean TTFT of %.1f ms: give the client more CPU or use fewer users."
                            .formatted(lag, 100 * MOST_LAG_SHARE, firstTokenMillis));
        }
        if (waitShare > MOST_WAIT_SHARE) {
            reasons.add(
                    "The client waited for a core %.0f %% of the time, more than %.0f %%: leave it a core of its own or run it on another machine."
                            .formatted(100 * waitShare, 100 * MOST_WAIT_SHARE));
        }
        if (cpuShare > MOST_CPU_SHARE_PER_LOOP * loops) {
            reasons.add(
                    "The client used %.0f %% of a core with %d event loops, more than %.0f %% each: it was the bottleneck; use fewer users or more client cores."
                            .formatted(100 * cpuShare, loops, 100 * MOST_CPU_SHARE_PER_LOOP));
        }
        return new SelfCheck(List.copyOf(reasons), cpuShare, waitShare, lag);
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
