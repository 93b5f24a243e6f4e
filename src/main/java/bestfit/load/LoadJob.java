package bestfit.load;

import bestfit.workload.Extent;
import java.time.Duration;
import java.util.BitSet;

/**
 * The requests of one run.
 *
 * @param dialogues called in order on a thread that may block
 * @param count how many dialogues there are
 * @param thinkTime between the turns of a dialogue
 * @param firstIndex number of the first request; dialogues are numbered from it too
 * @param skip numbers of requests that are not sent; a dialogue is left out if all of its requests are
 * @param block written into every measurement; -1 is warm-up
 */
public record LoadJob(
        Dialogue.Source dialogues,
        int count,
        Arrivals arrivals,
        Extent extent,
        TimeLimits limits,
        Duration thinkTime,
        int firstIndex,
        BitSet skip,
        int block) {}
