package bestfit.grammar;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/** The bytes of a tokenizer's tokens, in their order, so that tokens which begin alike are followed together. Immutable. */
public final class Vocabulary {
    private final byte[][] tokens;
    /** Ids in the order of their bytes. */
    private final int[] order;
    /** For each in that order: the bytes at its start that the one before has too. */
    private final int[] shared;

    /** @param tokens by id; empty for those that stand for no text and never come */
    public Vocabulary(byte[][] tokens) {
        this.tokens = tokens.clone();
        order = IntStream.range(0, tokens.length)
                .filter(id -> tokens[id].length > 0)
                .boxed()
                .sorted((a, b) -> Arrays.compareUnsigned(tokens[a], tokens[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        shared = new int[order.length];
        for (int i = 1; i < order.length; i++) {
            var before = tokens[order[i - 1]];
            var token = tokens[order[i]];
            int differ = Arrays.mismatch(before, token);
            shared[i] = differ < 0 ? token.length : differ;
        }
    }

    byte[] bytes(int id) {
        return id >= 0 && id < tokens.length ? tokens[id] : new byte[0];
    }

    /** The tokens that can come next. */
    BitSet fitting(Grammar.State start) {
        var fitting = new BitSet(tokens.length);
        var path = new Grammar.State
                [1 + Arrays.stream(tokens).mapToInt(token -> token.length).max().orElse(0)];
        path[0] = start;
        int passed = 0; // bytes of the token before that could come
        for (int i = 0; i < order.length; i++) {
            var token = tokens[order[i]];
            if (shared[i] > passed) {
                continue; // it ends where the one before did
            }
            passed = shared[i];
            while (passed < token.length) {
                var state = path[passed].after(token[passed]);
                if (state == null) {
                    break;
                }
                path[++passed] = state;
            }
            if (passed == token.length) {
                fitting.set(order[i]);
            }
        }
        return fitting;
    }
}
