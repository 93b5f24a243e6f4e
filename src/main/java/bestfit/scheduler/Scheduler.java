package bestfit.scheduler;

import java.util.List;

/**
 * Decides which sequences compute how many tokens in each forward pass. Pure: same calls, same steps; no clock, no
 * randomness, no log. Not thread-safe.
 *
 * <p>A driver adds sequences, asks for a step, runs it, and hands the step back with the sampled tokens. Several steps
 * may be outstanding (pipeline parallelism, asynchronous scheduling); they complete in the order they were made.
 */
public interface Scheduler {
    /** The scheduler that decides as the config's version of vLLM. */
    static Scheduler of(SchedulerConfig config) {
        if (config.version() != SchedulerConfig.Version.V0) {
            return new V1Scheduler(config);
        }
        return config.stages() == 1 ? new V0Scheduler(config) : new VirtualEngines(config);
    }

    /** @throws IllegalArgumentException if a sequence of this id is unfinished */
    void add(Sequence sequence);

    /** Ends a sequence that is waiting or running; one that is finished or unknown is left alone. */
    void abort(String id);

    /** The next forward pass; empty chunks when nothing can run now. */
    ScheduledStep schedule();

    /**
     * Hands a step back. Tokens of sequences that ended meanwhile are dropped, so a driver that streams looks at how far
     * {@link Sequence#generated} went.
     *
     * @param sampled one token per chunk of the step, {@link ScheduledStep#NO_TOKEN} where the chunk sampled none
     * @return the sequences that ended, those the step refused among them
     */
    List<Sequence> complete(ScheduledStep step, int[] sampled);

    /** Sequences admitted and not finished. */
    int running();

    /** Sequences that wait for admission, preempted ones among them. */
    int waiting();

    int freeBlocks();

    /**
     * True while a sequence is unfinished, and once more after the last ended: one more step, mostly empty, then follows,
     * as in vLLM, where it tells the workers what to forget.
     */
    boolean hasWork();

    void resetPrefixCache();

    /** Share of KV blocks in use, 0 to 1. */
    double kvUsage();
}
