package bestfit.engine;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.model.ModelSpec;

/**
 * The attention heads of one tensor-parallel rank. With more ranks than KV heads neighbours hold the same KV head, as in
 * vLLM.
 */
record Shard(int firstHead, int heads, int firstKvHead, int kvHeads) {

    static Shard of(ModelSpec spec, int rank, int tp) {
        int heads = spec.heads() / tp;
        return new Shard(rank * heads, heads, rank * spec.kvHeads() / tp, Math.max(1, spec.kvHeads() / tp));
    }

    /** Where the share of a rank begins when {@code whole} is cut into {@code tp} parts. */
    static int start(int whole, int rank, int tp) {
        return (int) ((long) whole * rank / tp);
    }

    /**
     * Refuses what cannot be split, in vLLM's terms.
     *
     * @throws ConfigException with every reason
     */
    static void check(ModelSpec spec, int tp, int pp) {
        var problems = new Problems();
        if (tp < 1 || spec.heads() % tp != 0) {
            problems.add("Total number of attention heads (" + spec.heads()
                    + ") must be divisible by tensor parallel size (" + tp + ").");
        }
        if (tp >= 1 && spec.kvHeads() % tp != 0 && tp % spec.kvHeads() != 0) {
            problems.add("Total number of key-value heads (" + spec.kvHeads() + ") and tensor parallel size (" + tp
                    + ") must divide one another.");
        }
        if (tp >= 1 && spec.intermediateSize() % tp != 0) {
            problems.add("intermediate_size (" + spec.intermediateSize()
                    + ") must be divisible by tensor parallel size (" + tp + ").");
        }
        if (pp < 1 || pp > spec.layers()) {
            problems.add("pipeline parallel size (" + pp + ") must be from 1 to the number of layers (" + spec.layers()
                    + ").");
        }
        problems.throwIfAny();
    }
}
