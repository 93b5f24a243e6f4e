package bestfit.load;

import bestfit.metrics.Measurement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What the client's own share of a run's figures is judged by; runs of one kind can be put together and judged as one.
 *
 * @param sendLagMillis of each request, from when it was due, or got the place it waited for, to handing it to the socket
 * @param firstTokenMillis the times to first token of all requests that had one, summed
 * @param firstTokens how many these are
 * @param loopLagMillis of each look of the event loop, how long it was kept waiting
 * @param waitNanos the event loops were ready to run and had no core; NaN where the system does not tell
 * @param wakes how often they were given a core
 * @param cpuNanos of this process, all threads
 * @param loops event loops of the client
 */
public record ClientSamples(
        List<Double> sendLagMillis,
        double firstTokenMillis,
        int firstTokens,
        List<Double> loopLagMillis,
        double waitNanos,
        double wakes,
        double cpuNanos,
        double wallNanos,
        int loops) {
    public ClientSamples {
        sendLagMillis = List.copyOf(sendLagMillis);
        loopLagMillis = List.copyOf(loopLagMillis);
    }

    static ClientSamples of(
            List<Measurement> measurements,
            BitSet waited,
            ClientCpu before,
            ClientCpu after,
            double[] loopLagMillis,
            int loops) {
        var firstTokens = measurements.stream()
                .filter(each -> each.succeeded() && each.firstTokenNanos() != Measurement.NEVER)
                .mapToDouble(each -> (each.firstTokenNanos() - each.startNanos()) / 1e6)
                .toArray();
        return new ClientSamples(
                measurements.stream()
                        .filter(each -> each.sentNanos() != Measurement.NEVER)
                        .map(each -> (each.sentNanos()
                                        - (waited.get(each.index()) ? each.startNanos() : each.intendedNanos()))
                                / 1e6)
                        .toList(),
                Arrays.stream(firstTokens).sum(),
                firstTokens.length,
                Arrays.stream(loopLagMillis).boxed().toList(),
                after.waitNanos() - before.waitNanos(),
                after.wakes() - before.wakes(),
                after.cpuNanosSince(before),
                after.nanos() - before.nanos(),
                loops);
    }

    /** These runs as if they were one. */
    public static ClientSamples together(List<ClientSamples> runs) {
        var sendLags = new ArrayList<Double>();
        var loopLags = new ArrayList<Double>();
        runs.forEach(each -> sendLags.addAll(each.sendLagMillis));
        runs.forEach(each -> loopLags.addAll(each.loopLagMillis));
        return new ClientSamples(
                sendLags,
                sum(runs, ClientSamples::firstTokenMillis),
                (int) sum(runs, ClientSamples::firstTokens),
                loopLags,
                sum(runs, ClientSamples::waitNanos),
                sum(runs, ClientSamples::wakes),
                sum(runs, ClientSamples::cpuNanos),
                sum(runs, ClientSamples::wallNanos),
                runs.stream().mapToInt(ClientSamples::loops).max().orElse(1));
    }

    private static double sum(List<ClientSamples> runs, ToDoubleFunction<ClientSamples> part) {
        return runs.stream().mapToDouble(part).sum();
    }
}
