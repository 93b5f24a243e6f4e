package bestfit.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * KV blocks as V0 gives them to sequences: all blocks of a prompt at once when it is admitted, equal full blocks stored
 * once. Free blocks with known contents are reused only when there are no others, the least recently used first, and
 * among those the one that ends the longest prefix.
 */
final class V0Space {
    /** Whether a waiting sequence can have its blocks. */
    enum Fit {
        NOW,
        LATER,
        NEVER
    }

    private final int blockSize;
    private final int total;
    private final int watermarkBlocks;
    private final @Nullable PrefixCache cache;
    private final ArrayDeque<Integer> blank = new ArrayDeque<>();
    private final int[] references;
    private final boolean[] computed;
    /** What {@code computed} should be: the block's tokens really were in a step. */
    private final boolean[] written;

    private final long[] lastAccess;
    private final int[] prefixTokens;
    private final TreeSet<Integer> reusable;
    private final List<Integer> filledNow = new ArrayList<>();
    private final List<Integer> writtenNow = new ArrayList<>();

    V0Space(SchedulerConfig config) {
        blockSize = config.blockSize();
        total = config.numBlocks();
        watermarkBlocks = (int) (config.watermark() * total);
        cache = config.prefixCaching() ? new PrefixCache(total, blockSize) : null;
        references = new int[total];
        computed = new boolean[total];
        written = new boolean[total];
        lastAccess = new long[total];
        prefixTokens = new int[total];
        reusable = new TreeSet<>(Comparator.<Integer>comparingLong(block -> lastAccess[block])
                .thenComparingInt(block -> -prefixTokens[block])
                .thenComparingInt(block -> block));
        for (int block = 0; block < total; block++) {
            blank.add(block);
        }
    }

    int free() {
        return blank.size() + reusable.size();
    }

    double usage() {
        return 1 - (double) free() / total;
    }

    Fit fit(Sequence sequence) {
        int required = (sequence.length() + blockSize - 1) / blockSize; // as if nothing of it were cached
        if (total - required < watermarkBlocks) {
            return Fit.NEVER;
        }
        return free() - required >= watermarkBlocks ? Fit.NOW : Fit.LATER;
    }

    /** Tokens of the sequence's cached prefix. V0 searches it by bisection, so a gap in it may be overlooked. */
    int cachedTokens(Sequence sequence) {
        if (cache == null) {
            return 0;
        }
        if (sequence.knownCached < 0) {
            int low = 0;
            int high = sequence.length() / blockSize;
            while (low < high) {
                int middle = (low + high) >>> 1;
                int block = find(cache, sequence, middle);
                if (block >= 0 && (references[block] == 0 || computed[block])) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            sequence.knownCached = low * blockSize;
        }
        return sequence.knownCached;
    }

    /** Gives a sequence blocks for all its tokens; {@link #fit} has to be NOW. */
    void allocate(Sequence sequence) {
        int full = sequence.length() / blockSize;
        for (int index = 0; index < full; index++) {
            int known = cache == null ? -1 : find(cache, sequence, index);
            if (known >= 0) {
                use(sequence, index, known);
                sequence.addBlock(known);
            } else {
                sequence.unwrittenBlock = Math.min(sequence.unwrittenBlock, index);
                sequence.addBlock(take());
                fill(sequence, index);
            }
        }
        if (sequence.length() % blockSize > 0) {
            sequence.unwrittenBlock = Math.min(sequence.unwrittenBlock, full);
            sequence.addBlock(take());
        }
        sequence.slots = sequence.length();
    }

    /**
     * Whether the sequence may go on. V0 counts every block it would touch as a new one: at least one, unless a prompt's
     * chunk goes on and all its blocks are full.
     */
    boolean canAppend(Sequence sequence) {
        int unseen = sequence.length() - sequence.slots;
        int inFirst = blockSize - sequence.slots % blockSize;
        int touched = 1 + Math.ceilDiv(unseen - inFirst, blockSize);
        return touched <= free();
    }

    /** Gives the tokens sampled since the last step their places. */
    void append(Sequence sequence) {
        while (sequence.slots < sequence.length()) {
            if (sequence.slots % blockSize == 0) {
                sequence.addBlock(take());
            }
            if (++sequence.slots % blockSize == 0) {
                fill(sequence, sequence.slots / blockSize - 1);
            }
        }
    }

    void release(Sequence sequence) {
        for (int index = 0; index < sequence.blockCount(); index++) {
            int block = sequence.blocks()[index];
            if (sequence.lastScheduled >= 0) {
                lastAccess[block] = sequence.lastScheduled;
            }
            if (--references[block] > 0) {
                continue;
            }
            int end = (index + 1) * blockSize;
            if (cache != null && end <= sequence.slots) {
                prefixTokens[block] = end;
                reusable.add(block);
            } else {
                blank.add(block);
            }
        }
        sequence.dropBlocks();
    }

    /** A step is made: what it computes counts as cached from the next one on. */
    void stepMade() {
        for (int block : filledNow) {
            computed[block] = true;
        }
        filledNow.clear();
        for (int block : writtenNow) {
            written[block] = true;
        }
        writtenNow.clear();
    }

    /** Tokens of the sequence, of those it counts as computed, that its blocks really hold. */
    int computedPrefix(Sequence sequence) {
        int full = sequence.computed / blockSize;
        while (sequence.verifiedBlocks < full && written[sequence.blocks()[sequence.verifiedBlocks]]) {
            sequence.verifiedBlocks++;
        }
        int held = sequence.verifiedBlocks < full ? sequence.verifiedBlocks * blockSize : sequence.computed;
        return Math.min(held, sequence.unwrittenBlock * blockSize);
    }

    /** The step being made computes the sequence up to {@code end}. */
    void computes(Sequence sequence, int end) {
        for (int index = sequence.verifiedBlocks; index < end / blockSize; index++) {
            writtenNow.add(sequence.blocks()[index]);
        }
        sequence.unwrittenBlock = Sequence.NO_BLOCK;
    }

    /** The sequence gets a block of others that may have to be written yet. */
    private void use(Sequence sequence, int index, int known) {
        share(known);
        if (!written[known]) {
            sequence.unwrittenBlock = Math.min(sequence.unwrittenBlock, index);
        }
    }

    void forgetPrefixes() {
        if (cache != null) {
            for (int block : reusable) {
                cache.remove(block);
                blank.add(block);
            }
            reusable.clear();
        }
    }

    private static int find(PrefixCache cache, Sequence sequence, int index) {
        int size = cache.blockSize();
        return cache.find(
                sequence.prefixHash(index, size),
                sequence.prefixHash(index + 1, size),
                sequence.allTokens(),
                index * size);
    }

    /** The block has all its tokens: it becomes known, or gives way to an equal one that is. */
    private void fill(Sequence sequence, int index) {
        if (cache == null) {
            return;
        }
        int block = sequence.blocks()[index];
        int known = find(cache, sequence, index);
        if (known < 0) {
            cache.put(
                    block,
                    sequence.prefixHash(index, blockSize),
                    sequence.prefixHash(index + 1, blockSize),
                    sequence.allTokens(),
                    index * blockSize);
            filledNow.add(block);
        } else {
            references[block] = 0;
            blank.add(block);
            use(sequence, index, known);
            sequence.replaceBlock(index, known);
        }
    }

    private void share(int block) {
        if (references[block]++ == 0) {
            reusable.remove(block);
            track(block, true);
        }
    }

    private int take() {
        Integer block = blank.poll();
        if (block == null) {
            block = reusable.pollFirst();
            if (block == null || cache == null) {
                throw new IllegalStateException("no free KV block");
            }
            cache.remove(block);
        }
        references[block] = 1;
        written[block] = false;
        track(block, false);
        return block;
    }

    private void track(int block, boolean isComputed) {
        computed[block] = isComputed;
        lastAccess[block] = -1;
    }
}
