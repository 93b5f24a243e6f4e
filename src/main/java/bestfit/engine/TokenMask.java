package bestfit.engine;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens can come next.
 *
 * @param banned ids that cannot (stop tokens before min_tokens)
 * @param allowed the only ids that can; empty for all
 * @param badWords runs of ids: the last of one cannot come where the answer ends in those before it
 * @param fitting the only ids that fit the answer's form now; null for all
 */
record TokenMask(
        int[] banned,
        int[] allowed,
        int[][] badWords,
        @Nullable BitSet fitting) {
    static final TokenMask NONE = banning();

    static TokenMask banning(int... ids) {
        return new TokenMask(ids, new int[0], new int[0][], null);
    }

    TokenMask alsoBanning(int... ids) {
        var all = Arrays.copyOf(banned, banned.length + ids.length);
        System.arraycopy(ids, 0, all, banned.length, ids.length);
        return new TokenMask(all, allowed, badWords, fitting);
    }

    TokenMask fitting(BitSet ids) {
        return new TokenMask(banned, allowed, badWords, ids);
    }

    /** True when a run has more than one id: then the answer so far counts. */
    boolean needsHistory() {
        for (var run : badWords) { // once a token, so no stream
            if (run.length > 1) {
                return true;
            }
        }
        return false;
    }

    /**
     * The last id of a run if it cannot come now, else -1.
     *
     * @param history of the sequence, the prompt's {@code promptLength} ids first; may be shorter than a run
     */
    static int completed(int[] run, int[] history, int promptLength) {
        int before = run.length - 1;
        int from = history.length - before;
        boolean there = from >= promptLength && Arrays.equals(history, from, history.length, run, 0, before);
        return before == 0 || there ? run[before] : -1;
    }
}
