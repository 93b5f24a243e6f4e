package bestfit.engine;

/** The formulas as they are written in papers, in scalar loops: the oracle of {@link VectorOps}. */
record PlainOps() implements TensorOps {

    @Override
    public int lanes() {
        return 1;
    }

    @Override
    public Matrix pack(float[] rowMajor, int outputs, int inputs) {
        return new Matrix(rowMajor, outputs, inputs, 1);
    }

    @Override
    public void multiply(float[] x, int xStride, int rows, Matrix w, float[] y, int yStride, int yOffset) {
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < w.outputs(); o++) {
                float sum = 0;
                for (int i = 0; i < w.inputs(); i++) {
                    sum += x[r * xStride + i] * w.weight(o, i);
                }
                y[r * yStride + yOffset + o] = sum;
            }
        }
    }

    @Override
    public void rmsNorm(float[] x, int rows, float[] weight, double epsilon, float[] y) {
        int size = weight.length;
        for (int r = 0; r < rows; r++) {
            double squares = 0;
            for (int i = 0; i < size; i++) {
                squares += (double) x[r * size + i] * x[r * size + i];
            }
            double scale = 1 / Math.sqrt(squares / size + epsilon);
            for (int i = 0; i < size; i++) {
                y[r * size + i] = (float) (x[r * size + i] * scale * weight[i]);
            }
        }
    }

    @Override
    public void gate(float[] gateUp, int rows, int size, float[] y) {
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < size; i++) {
                double gate = gateUp[r * 2 * size + i];
                y[r * size + i] = (float) (gate / (1 + Math.exp(-gate)) * gateUp[r * 2 * size + size + i]);
            }
        }
    }

    @Override
    public void attend(float[] queries, int stride, Span span, int heads, KvCache cache, float[] out, Scratch scratch) {
        int dim = cache.headDim;
        for (int token = 0; token < span.tokens(); token++) {
            int positions = span.start() + token + 1;
            for (int head = 0; head < heads; head++) {
                int query = (span.firstRow() + token) * stride + head * dim;
                int kvHead = head / (heads / cache.kvHeads);
                var weights = softmax(scores(queries, query, positions, kvHead, span.blocks(), cache));
                for (int d = 0; d < dim; d++) {
                    double sum = 0;
                    for (int p = 0; p < positions; p++) {
                        int base = cache.valueBase(span.blocks()[p / cache.blockSize], kvHead);
                        sum += weights[p] * cache.values[base + p % cache.blockSize * cache.valueStride + d];
                    }
                    out[(span.firstRow() + token) * heads * dim + head * dim + d] = (float) sum;
                }
            }
        }
    }

    private static double[] scores(float[] queries, int query, int positions, int kvHead, int[] blocks, KvCache cache) {
        var scores = new double[positions];
        for (int p = 0; p < positions; p++) {
            int base = cache.keyBase(blocks[p / cache.blockSize], kvHead) + p % cache.blockSize;
            for (int d = 0; d < cache.headDim; d++) {
                scores[p] += queries[query + d] * cache.keys[base + d * cache.keyStride];
            }
            scores[p] /= Math.sqrt(cache.headDim);
        }
        return scores;
    }

    private static double[] softmax(double[] scores) {
        double max = Double.NEGATIVE_INFINITY;
        for (double score : scores) {
            max = Math.max(max, score);
        }
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            scores[i] = Math.exp(scores[i] - max);
            sum += scores[i];
        }
        for (int i = 0; i < scores.length; i++) {
            scores[i] /= sum;
        }
        return scores;
    }
}
