package bestfit.load;

import bestfit.metrics.Summary;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a run's numbers are the server's or the client's own.
 *
 * @param reasons why the run is INVALID and what to do; empty if it is VALID
 * @param cpuShare of one core, used by this process during the run
 * @param sendLagMillis 95th percentile of the time from when a request was due, or got the place it waited for, to handing it
 *     to the socket
 * @param readLagMillis mean time that an event loop, woken because bytes had arrived, waited for a core before it could
 *     stamp them; NaN where the system does not tell
 * @param samples what it was judged by
 */
public record SelfCheck(
        List<String> reasons, double cpuShare, double sendLagMillis, double readLagMillis, ClientSamples samples) {
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

    /** Of a run, or of several of one kind put together. */
    public static SelfCheck of(ClientSamples samples) {
        double cpuShare = samples.cpuNanos() / Math.max(1, samples.wallNanos());
        double sendLag = percentile(samples.sendLagMillis(), 0.95);
        double readLag = samples.waitNanos() / Math.max(1, samples.wakes()) / 1e6;
        double loopLag = percentile(samples.loopLagMillis(), 0.99);
        double meanFirstToken = samples.firstTokens() == 0
                ? Double.POSITIVE_INFINITY
                : samples.firstTokenMillis() / samples.firstTokens();
        double bearable = Math.max(LEAST_LAG_MILLIS, MOST_LAG_SHARE * meanFirstToken);
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
        if (loopLag > mostLag) {
            reasons.add(
                    ("The client was up to %.1f ms late in what it does (99th percentile), more than %.1f ms: leave it"
                                    + " a core of its own or run it on another machine.")
                            .formatted(loopLag, mostLag));
        }
        if (samples.firstTokens() == 0) {
            reasons.add(
                    "No request succeeded with any text: there is nothing to judge. Look at the failures and at what the server answers, and run it again.");
        } else if (cpuShare > MOST_CPU_SHARE_PER_LOOP * samples.loops()) {
            reasons.add(
                    "The client used %.0f %% of a core with %d event loops, more than %.0f %% each: it was the bottleneck; use fewer users or more client cores."
                            .formatted(100 * cpuShare, samples.loops(), 100 * MOST_CPU_SHARE_PER_LOOP));
        }
        return new SelfCheck(List.copyOf(reasons), cpuShare, sendLag, readLag, samples);
    }

    private static double percentile(List<Double> values, double share) {
        return values.isEmpty()
                ? 0
                : Summary.percentile(
                        values.stream().mapToDouble(Double::doubleValue).toArray(), share);
    }
}
