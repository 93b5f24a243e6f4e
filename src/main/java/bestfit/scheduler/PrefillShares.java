package bestfit.scheduler;

/** How V0's chunked prefill divides the tokens of a step among the prompts it prefills at a time. */
final class PrefillShares {
    private final SchedulerConfig config;
    private final int share;
    private int longOnes;

    private PrefillShares(SchedulerConfig config, int prefills, int longOnes) {
        this.config = config;
        this.longOnes = longOnes;
        share = config.maxNumBatchedTokens() / Math.max(1, prefills);
    }

    /** Counts the prompts being prefilled and those that could be. */
    static PrefillShares of(SchedulerConfig config, Iterable<Sequence> running, Iterable<Sequence> waiting) {
        var limits = config.partialPrefills();
        int prefills = 0;
        int longRunning = 0;
        for (var sequence : running) {
            if (sequence.prefilling) {
                prefills++;
                longRunning += isLong(config, sequence) ? 1 : 0;
            }
        }
        int longWaiting = 0;
        for (var sequence : waiting) {
            if (prefills >= limits.max()) {
                break;
            }
            if (isLong(config, sequence)) {
                if (longRunning + longWaiting >= limits.maxLong()) {
                    continue;
                }
                longWaiting++;
            }
            prefills++;
        }
        return new PrefillShares(config, Math.min(prefills, limits.max()), longRunning);
    }

    boolean admits(Sequence sequence) {
        var limits = config.partialPrefills();
        return limits.max() == 1 || longOnes < limits.maxLong() || !isLong(config, sequence);
    }

    void started(Sequence sequence) {
        if (isLong(config, sequence)) {
            longOnes++;
        }
    }

    /** Tokens of {@code wanted} that fit; with prefix caching only whole blocks, unless the prompt ends. */
    int cut(int wanted, int left) {
        int room = Math.min(left, share);
        if (config.prefixCaching()) {
            room = room / config.blockSize() * config.blockSize();
        }
        return Math.min(wanted, room);
    }

    private static boolean isLong(SchedulerConfig config, Sequence sequence) {
        int tokens = sequence.prefilling ? sequence.length() - sequence.computed : 1;
        return tokens > config.longPrefillTokenThreshold();
    }
}
