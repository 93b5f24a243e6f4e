package bestfit.scheduler;

import java.util.Arrays;

/**
 * Full KV blocks by the prefix they end: a block is found by its own tokens and the hash of all before it. Equal blocks
 * may be there several times; the oldest is found. Arrays indexed by block, so no allocation after construction.
 */
final class PrefixCache {
    /** Hash of the empty prefix. */
    static final long ROOT = 0x9E3779B97F4A7C15L;

    private static final int NONE = -1;

    private final int blockSize;
    private final int mask;
    private final int[] bucketHead;
    private final int[] bucketTail;
    private final int[] next;
    private final int[] previous;
    private final boolean[] present;
    private final long[] parents;
    private final long[] hashes;
    private final int[] tokens;

    PrefixCache(int blocks, int blockSize) {
        this.blockSize = blockSize;
        int buckets = Integer.highestOneBit(Math.max(blocks, 1)) * 2;
        mask = buckets - 1;
        bucketHead = filled(buckets);
        bucketTail = filled(buckets);
        next = filled(blocks);
        previous = filled(blocks);
        present = new boolean[blocks];
        parents = new long[blocks];
        hashes = new long[blocks];
        tokens = new int[blocks * blockSize];
    }

    /** Hash of the prefix {@code parent} extended by {@code tokens[from … to)}. */
    static long extend(long parent, int[] tokens, int from, int to) {
        long hash = parent;
        for (int i = from; i < to; i++) {
            hash = (hash ^ tokens[i]) * 0xFF51AFD7ED558CCDL;
            hash ^= hash >>> 32;
        }
        return hash;
    }

    int blockSize() {
        return blockSize;
    }

    boolean contains(int block) {
        return present[block];
    }

    /** The oldest block that holds {@code sequenceTokens[from … from + blockSize)} after this parent, or -1. */
    int find(long parent, long hash, int[] sequenceTokens, int from) {
        for (int block = bucketHead[bucket(hash)]; block != NONE; block = next[block]) {
            if (hashes[block] == hash
                    && parents[block] == parent
                    && Arrays.equals(
                            tokens,
                            block * blockSize,
                            (block + 1) * blockSize,
                            sequenceTokens,
                            from,
                            from + blockSize)) {
                return block;
            }
        }
        return NONE;
    }

    void put(int block, long parent, long hash, int[] sequenceTokens, int from) {
        parents[block] = parent;
        hashes[block] = hash;
        System.arraycopy(sequenceTokens, from, tokens, block * blockSize, blockSize);
        present[block] = true;
        int bucket = bucket(hash);
        int tail = bucketTail[bucket];
        previous[block] = tail;
        next[block] = NONE;
        if (tail == NONE) {
            bucketHead[bucket] = block;
        } else {
            next[tail] = block;
        }
        bucketTail[bucket] = block;
    }

    void remove(int block) {
        int bucket = bucket(hashes[block]);
        if (previous[block] == NONE) {
            bucketHead[bucket] = next[block];
        } else {
            next[previous[block]] = next[block];
        }
        if (next[block] == NONE) {
            bucketTail[bucket] = previous[block];
        } else {
            previous[next[block]] = previous[block];
        }
        present[block] = false;
    }

    void clear() {
        Arrays.fill(bucketHead, NONE);
        Arrays.fill(bucketTail, NONE);
        Arrays.fill(present, false);
    }

    private int bucket(long hash) {
        return (int) (hash ^ hash >>> 29) & mask;
    }

    private static int[] filled(int length) {
        var array = new int[length];
        Arrays.fill(array, NONE);
        return array;
    }
}
