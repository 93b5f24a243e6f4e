package bestfit.scheduler;

import org.jspecify.annotations.Nullable;

/** KV blocks as V1 gives them to sequences: by the token, with full blocks shared through the prefix cache. */
final class KvSpace {
    private final int blockSize;
    private final int usable;
    private final boolean unhashedFirst;
    private final BlockPool pool;
    private final @Nullable PrefixCache cache;
    private int[] hit = new int[64];
    private int hitCount;

    KvSpace(SchedulerConfig config) {
        blockSize = config.blockSize();
        usable = config.numBlocks() - 1; // block 0 is V1's null block
        unhashedFirst = config.version() != SchedulerConfig.Version.V1_0_23;
        cache = config.prefixCaching() ? new PrefixCache(config.numBlocks(), blockSize) : null;
        pool = new BlockPool(1, config.numBlocks(), cache);
    }

    int free() {
        return pool.free();
    }

    double usage() {
        return usable == 0 ? 0 : 1 - (double) pool.free() / usable;
    }

    /**
     * Looks for the sequence's longest cached prefix and remembers its blocks for {@link #admit}. The last token is
     * never taken from the cache: it has to be computed to sample the next.
     *
     * @return tokens of that prefix
     */
    int findPrefix(Sequence sequence) {
        hitCount = 0;
        if (cache == null || !sequence.readsPrefixCache()) {
            return 0;
        }
        int limit = (sequence.length() - 1) / blockSize;
        if (hit.length < limit) {
            hit = new int[limit * 2];
        }
        while (hitCount < limit) {
            int block = cache.find(
                    sequence.prefixHash(hitCount, blockSize),
                    sequence.prefixHash(hitCount + 1, blockSize),
                    sequence.allTokens(),
                    hitCount * blockSize);
            if (block < 0) {
                break;
            }
            hit[hitCount++] = block;
        }
        return hitCount * blockSize;
    }

    /**
     * Gives a waiting sequence the blocks that {@link #findPrefix} found and those for more tokens.
     *
     * @param tokens tokens to have room for, the cached ones among them
     * @param mustFit tokens there has to be room for, even if not taken yet
     * @param keepFree blocks to leave free
     * @return false if there are too few, and nothing has changed
     */
    boolean admit(Sequence sequence, int tokens, int mustFit, int keepFree) {
        int required = blocksFor(Math.max(tokens, mustFit)) - hitCount + keepFree;
        for (int i = 0; i < hitCount; i++) {
            if (pool.isFree(hit[i])) {
                required++;
            }
        }
        if (required > pool.free()) {
            return false;
        }
        for (int i = 0; i < hitCount; i++) {
            pool.share(hit[i]);
            sequence.addBlock(hit[i]);
        }
        sequence.cachedBlocks = hitCount;
        append(sequence, tokens);
        return true;
    }

    /** Makes room for so many tokens of a running sequence; false if there are too few blocks. */
    boolean grow(Sequence sequence, int tokens) {
        if (blocksFor(tokens) - sequence.blockCount() > pool.free()) {
            return false;
        }
        append(sequence, tokens);
        return true;
    }

    private void append(Sequence sequence, int tokens) {
        for (int need = blocksFor(tokens); sequence.blockCount() < need; ) {
            sequence.addBlock(pool.allocate());
        }
        remember(sequence, Math.min(tokens, sequence.length()));
    }

    /** Enters the full blocks of the sequence's first tokens into the prefix cache. */
    void remember(Sequence sequence, int tokens) {
        if (cache == null) {
            return;
        }
        for (int full = tokens / blockSize; sequence.cachedBlocks < full; sequence.cachedBlocks++) {
            int index = sequence.cachedBlocks;
            cache.put(
                    sequence.blocks()[index],
                    sequence.prefixHash(index, blockSize),
                    sequence.prefixHash(index + 1, blockSize),
                    sequence.allTokens(),
                    index * blockSize);
        }
    }

    /** Gives the sequence's blocks back, its last first, so that the ends of prefixes are reused before their starts. */
    void release(Sequence sequence) {
        for (int i = sequence.blockCount() - 1; i >= 0; i--) {
            int block = sequence.blocks()[i];
            pool.release(block, unhashedFirst && (cache == null || !cache.contains(block)));
        }
        sequence.dropBlocks();
    }

    void forgetPrefixes() {
        if (cache != null) {
            cache.clear();
        }
    }

    private int blocksFor(int tokens) {
        return (tokens + blockSize - 1) / blockSize;
    }
}
