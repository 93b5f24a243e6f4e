package bestfit.scheduler;

/**
 * What a scheduler decides by; names as vLLM's args.
 *
 * @param version whose decisions to make
 * @param maxNumSeqs greatest number of running sequences
 * @param maxNumBatchedTokens greatest number of tokens in a step
 * @param maxModelLen greatest number of tokens of a sequence, prompt and output
 * @param blockSize tokens in a KV block
 * @param numBlocks KV blocks as vLLM reports them; V1 keeps one of them as its null block, so one fewer is usable
 * @param prefixCaching reuse full blocks of equal prefixes
 * @param chunkedPrefill a prompt may be spread over several steps
 * @param longPrefillTokenThreshold greatest chunk of one sequence in a step, 0 for no limit
 * @param watermark share of blocks that admission leaves free
 * @param reserveFullIsl admit only what fits with its whole prompt, not only its first chunk (V1)
 * @param async schedule a step before the results of the one before are known (V1); asynchronous output processing (V0)
 * @param stages pipeline stages
 * @param partialPrefills limits of V0's chunked prefill
 */
public record SchedulerConfig(
        Version version,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int maxModelLen,
        int blockSize,
        int numBlocks,
        boolean prefixCaching,
        boolean chunkedPrefill,
        int longPrefillTokenThreshold,
        Policy policy,
        double watermark,
        boolean reserveFullIsl,
        boolean async,
        int stages,
        PartialPrefills partialPrefills) {

    /** Generations of vLLM's scheduler that decide differently. */
    public enum Version {
        /** The V0 engine, as in vLLM 0.8.1. */
        V0,
        /** The V1 engine as in vLLM 0.23.0. */
        V1_0_23,
        /** The V1 engine as in vLLM 0.32.0: that of 0.33.0, but a sequence that has to preempt itself ends the running pass. */
        V1_0_32,
        /** The V1 engine as in vLLM 0.33.0. */
        V1_0_33;

        /**
         * The generation a V1 release decides like: the newest known one that is not newer than the release.
         *
         * @param release for example {@code 0.23.0} or {@code 0.24.0rc1}
         * @throws IllegalArgumentException if it does not start with two numbers
         */
        public static Version ofV1Release(String release) {
            var parts = release.split("\\.", 3);
            if (parts.length < 2) {
                throw new IllegalArgumentException("vLLM release " + release + ": expected MAJOR.MINOR.PATCH");
            }
            int major = Integer.parseInt(parts[0]);
            int minor = Integer.parseInt(parts[1]);
            return major > 0 || minor >= 33 ? V1_0_33 : minor == 32 ? V1_0_32 : V1_0_23;
        }
    }

    /** Order of admission and of preemption. */
    public enum Policy {
        /** First come, first served; the last one admitted is preempted first. */
        FCFS,
        /** Lower priority value first, then earlier arrival; the reverse is preempted first. */
        PRIORITY
    }

    /**
     * V0's limits on prompts that are being prefilled in chunks.
     *
     * @param max sequences prefilled in part at a time
     * @param maxLong those of them whose rest exceeds the long prefill threshold
     */
    public record PartialPrefills(int max, int maxLong) {
        public static final PartialPrefills ONE = new PartialPrefills(1, 1);
    }

    public SchedulerConfig {
        requirePositive(maxNumSeqs, "maxNumSeqs");
        requirePositive(maxNumBatchedTokens, "maxNumBatchedTokens");
        requirePositive(maxModelLen, "maxModelLen");
        requirePositive(blockSize, "blockSize");
        requirePositive(numBlocks, "numBlocks");
        requirePositive(stages, "stages");
    }

    /** The newest V1 with its defaults: prefix caching, chunked prefill, FCFS, one stage, synchronous. */
    public static SchedulerConfig of(
            int maxNumSeqs, int maxNumBatchedTokens, int maxModelLen, int blockSize, int numBlocks) {
        return new SchedulerConfig(
                Version.V1_0_33,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                blockSize,
                numBlocks,
                true,
                true,
                0,
                Policy.FCFS,
                0,
                true,
                false,
                1,
                PartialPrefills.ONE);
    }

    /** Steps that may be outstanding at a time, as vLLM's {@code batch_queue_size}; 1 is strictly one after another. */
    public int outstandingSteps() {
        return version != Version.V0 && async ? stages + 1 : stages;
    }

    SchedulerConfig withBlocks(int blocks) {
        return new SchedulerConfig(
                version,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                blockSize,
                blocks,
                prefixCaching,
                chunkedPrefill,
                longPrefillTokenThreshold,
                policy,
                watermark,
                reserveFullIsl,
                async,
                stages,
                partialPrefills);
    }

    private static void requirePositive(int value, String name) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", must be at least 1");
        }
    }
}
