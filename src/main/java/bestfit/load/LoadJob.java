package bestfit.load;

import bestfit.workload.Extent;
import java.util.BitSet;
import java.util.function.IntFunction;

/**
 * The requests of one run.
 *
 * @param bodies body of the request with this number; called in order on a thread that may block
 * @param exactTokens an answer of another length is a failure; 0 takes any
 * @param firstIndex number of the first request
 * @param skip numbers that are not sent
 * @param block written into every measurement; -1 is warm-up
 */
public record LoadJob(
        IntFunction<byte[]> bodies,
        Arrivals arrivals,
        Extent extent,
        TimeLimits limits,
        int exactTokens,
        int firstIndex,
        BitSet skip,
        int block) {}
