package bestfit.engine;

/** A transformer's arithmetic over float arrays, rows first. Implementations are stateless and thread-safe. */
sealed interface TensorOps permits PlainOps, VectorOps {

    /** Numbers of a vector; KV blocks and heads are padded to whole vectors. */
    int lanes();

    /**
     * Lays a matrix out for {@link #multiply}.
     *
     * @param rowMajor {@code outputs × inputs}
     */
    Matrix pack(float[] rowMajor, int outputs, int inputs);

    /**
     * {@code y[r][yOffset + o] = Σ x[r][i] · w[o][i]} for {@code rows} rows.
     *
     * @param xStride numbers from one row of x to the next, likewise {@code yStride}
     */
    void multiply(float[] x, int xStride, int rows, Matrix w, float[] y, int yStride, int yOffset);

    /** {@code y = x / √(mean(x²) + ε) · weight}, row by row. */
    void rmsNorm(float[] x, int rows, float[] weight, double epsilon, float[] y);

    /** {@code y = silu(gate) · up}; a row of {@code gateUp} holds {@code size} gates, then {@code size} ups. */
    void gate(float[] gateUp, int rows, int size, float[] y);

    /**
     * Causal attention of one sequence's new tokens over all its positions, whose keys and values are in the cache.
     *
     * @param queries rows of the whole pass, heads first in each row
     * @param out rows of the whole pass, heads alone in each row
     */
    void attend(float[] queries, int stride, Span span, int heads, KvCache cache, float[] out, Scratch scratch);

    /**
     * One sequence's part of a pass.
     *
     * @param firstRow its first row in the pass
     * @param start position of its first row in the sequence
     * @param blocks KV blocks from position 0 on
     */
    record Span(int firstRow, int tokens, int start, int[] blocks) {}

    /** Working memory that grows and stays; one for each thread. */
    final class Scratch {
        private float[] floats = new float[0];

        float[] atLeast(int size) {
            if (floats.length < size) {
                floats = new float[size + size / 4];
            }
            return floats;
        }
    }
}
