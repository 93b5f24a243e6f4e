package bestfit.scheduler;

import org.jspecify.annotations.Nullable;

/**
 * KV blocks with reference counts. Free ones stand in a queue, the next to be reused first; a free block that the prefix
 * cache knows keeps its contents until its turn comes.
 */
final class BlockPool {
    private final int sentinel;
    private final int[] next;
    private final int[] previous;
    private final int[] references;
    private final @Nullable PrefixCache cache;
    private int free;

    /**
     * @param first number of the first block that may be handed out
     * @param count blocks in all; those below {@code first} are never handed out
     */
    BlockPool(int first, int count, @Nullable PrefixCache cache) {
        this.cache = cache;
        sentinel = count;
        next = new int[count + 1];
        previous = new int[count + 1];
        references = new int[count];
        next[sentinel] = sentinel;
        previous[sentinel] = sentinel;
        for (int block = first; block < count; block++) {
            link(previous[sentinel], block);
        }
    }

    int free() {
        return free;
    }

    boolean isFree(int block) {
        return references[block] == 0;
    }

    /** Takes the free block that has waited longest, and its contents from the prefix cache. */
    int allocate() {
        int block = next[sentinel];
        if (block == sentinel) {
            throw new IllegalStateException("no free KV block");
        }
        unlink(block);
        if (cache != null && cache.contains(block)) {
            cache.remove(block);
        }
        references[block] = 1;
        return block;
    }

    /** Adds a user to a block, in use or free. */
    void share(int block) {
        if (references[block]++ == 0) {
            unlink(block);
        }
    }

    /** Takes one user from a block; without any it is free, to be reused last, or first if {@code atFront}. */
    void release(int block, boolean atFront) {
        if (--references[block] == 0) {
            link(atFront ? sentinel : previous[sentinel], block);
        }
    }

    private void link(int before, int block) {
        int after = next[before];
        next[before] = block;
        previous[block] = before;
        next[block] = after;
        previous[after] = block;
        free++;
    }

    private void unlink(int block) {
        next[previous[block]] = next[block];
        previous[next[block]] = previous[block];
        free--;
    }
}
