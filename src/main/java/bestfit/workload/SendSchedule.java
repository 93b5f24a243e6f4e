package bestfit.workload;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import org.apache.commons.statistics.distribution.GammaDistribution;

/**
 * When the requests of an open loop are sent: times after the start, all computed before the first, so that a late one
 * moves no other. Immutable.
 */
public final class SendSchedule {
    /** There is no such request. */
    public static final long END = Long.MAX_VALUE;

    private static final int MOST = 10_000_000;

    private final long[] offsets;

    private SendSchedule(long[] offsets) {
        this.offsets = offsets;
    }

    /**
     * Gaps of one length.
     *
     * @param rate requests a second
     */
    public static SendSchedule constant(double rate, Extent extent) {
        return of(extent, () -> 1 / rate);
    }

    /**
     * A Poisson process: gaps are independent and exponential.
     *
     * @param rate requests a second in the mean
     */
    public static SendSchedule poisson(double rate, Extent extent, long seed) {
        var random = new SplittableRandom(seed);
        return of(extent, () -> -Math.log1p(-random.nextDouble()) / rate);
    }

    /**
     * Gaps from a gamma distribution, as vLLM's burstiness: shape 1 is Poisson, below it requests come in bursts.
     *
     * @param rate requests a second in the mean
     * @param shape above 0
     */
    public static SendSchedule gamma(double rate, double shape, Extent extent, long seed) {
        var random = new SplittableRandom(seed);
        var gaps = GammaDistribution.of(shape, 1 / (rate * shape));
        return of(extent, () -> gaps.inverseCumulativeProbability(random.nextDouble()));
    }

    /** Given times in nanoseconds after the start, ascending. */
    public static SendSchedule at(long... offsetNanos) {
        return new SendSchedule(offsetNanos.clone());
    }

    /** Nanoseconds after the start at which request {@code k} is due; {@link #END} after the last. */
    public long offsetNanos(int k) {
        return k < offsets.length ? offsets[k] : END;
    }

    public int size() {
        return offsets.length;
    }

    /** The same times without the first ones, which were sent before an interruption; the next is due at once. */
    public SendSchedule from(int first) {
        int begin = Math.min(first, offsets.length);
        long start = begin == offsets.length ? 0 : offsets[begin];
        return new SendSchedule(Arrays.stream(offsets, begin, offsets.length)
                .map(offset -> offset - start)
                .toArray());
    }

    private static SendSchedule of(Extent extent, DoubleSupplier gapSeconds) {
        var offsets = new long[1024];
        int count = 0;
        double at = gapSeconds.getAsDouble();
        while (count < extent.mostRequests(MOST) && at * 1e9 < extent.mostNanos()) {
            if (count == offsets.length) {
                offsets = Arrays.copyOf(offsets, 2 * count);
            }
            offsets[count++] = Math.round(at * 1e9);
            at += gapSeconds.getAsDouble();
        }
        return new SendSchedule(Arrays.copyOf(offsets, count));
    }
}
