package bestfit.engine;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The arithmetic in vectors of the machine's own width. Products keep a tile of four rows by two vectors in registers;
 * fewer rows than four are filled up by repeating the last one, which computes the same number twice. Every sum has one
 * order and every operation is rounded exactly, so results are the same bits before and after the JVM compiles them.
 */
record VectorOps() implements TensorOps {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();
    private static final int PANEL = 2 * LANES;
    private static final int TILE = 4;

    @Override
    public int lanes() {
        return LANES;
    }

    @Override
    public Matrix pack(float[] rowMajor, int outputs, int inputs) {
        return Matrix.pack(rowMajor, outputs, inputs, PANEL);
    }

    @Override
    public void multiply(float[] x, int xStride, int rows, Matrix w, float[] y, int yStride, int yOffset) {
        int panelSize = PANEL * w.inputs();
        float[] edge = w.outputs() % PANEL == 0 ? y : new float[TILE * PANEL];
        for (int output = 0, at = 0; output < w.outputs(); output += PANEL, at += panelSize) {
            int width = Math.min(PANEL, w.outputs() - output);
            for (int r = 0; r < rows; r += TILE) {
                int last = Math.min(TILE, rows - r) - 1;
                if (width == PANEL) {
                    tile(x, r * xStride, xStride, last, w, at, y, r * yStride + yOffset + output, yStride);
                } else {
                    tile(x, r * xStride, xStride, last, w, at, edge, 0, PANEL);
                    for (int i = 0; i <= last; i++) {
                        System.arraycopy(edge, i * PANEL, y, (r + i) * yStride + yOffset + output, width);
                    }
                }
            }
        }
    }

    private static void tile(
            float[] x, int x0, int xStride, int last, Matrix w, int panel, float[] y, int y0, int yStride) {
        var data = w.data();
        int x1 = x0 + Math.min(1, last) * xStride;
        int x2 = x0 + Math.min(2, last) * xStride;
        int x3 = x0 + last * xStride;
        var zero = FloatVector.zero(SPECIES);
        var a0 = zero;
        var b0 = zero;
        var a1 = zero;
        var b1 = zero;
        var a2 = zero;
        var b2 = zero;
        var a3 = zero;
        var b3 = zero;
        for (int i = 0, at = panel; i < w.inputs(); i++, at += PANEL) {
            var left = FloatVector.fromArray(SPECIES, data, at);
            var right = FloatVector.fromArray(SPECIES, data, at + LANES);
            var f0 = FloatVector.broadcast(SPECIES, x[x0 + i]);
            var f1 = FloatVector.broadcast(SPECIES, x[x1 + i]);
            var f2 = FloatVector.broadcast(SPECIES, x[x2 + i]);
            var f3 = FloatVector.broadcast(SPECIES, x[x3 + i]);
            a0 = left.fma(f0, a0);
            b0 = right.fma(f0, b0);
            a1 = left.fma(f1, a1);
            b1 = right.fma(f1, b1);
            a2 = left.fma(f2, a2);
            b2 = right.fma(f2, b2);
            a3 = left.fma(f3, a3);
            b3 = right.fma(f3, b3);
        }
        put(a0, b0, y, y0);
        put(a1, b1, y, y0 + Math.min(1, last) * yStride);
        put(a2, b2, y, y0 + Math.min(2, last) * yStride);
        put(a3, b3, y, y0 + last * yStride);
    }

    private static void put(FloatVector left, FloatVector right, float[] y, int at) {
        left.intoArray(y, at);
        right.intoArray(y, at + LANES);
    }

    @Override
    public void rmsNorm(float[] x, int rows, float[] weight, double epsilon, float[] y) {
        int size = weight.length;
        int bound = SPECIES.loopBound(size);
        for (int r = 0; r < rows; r++) {
            int row = r * size;
            var squares = FloatVector.zero(SPECIES);
            for (int i = 0; i < bound; i += LANES) {
                var v = FloatVector.fromArray(SPECIES, x, row + i);
                squares = v.fma(v, squares);
            }
            float sum = sum(squares);
            for (int i = bound; i < size; i++) {
                sum += x[row + i] * x[row + i];
            }
            float scale = (float) (1 / Math.sqrt(sum / size + epsilon));
            for (int i = 0; i < size; i++) {
                y[row + i] = x[row + i] * scale * weight[i];
            }
        }
    }

    @Override
    public void gate(float[] gateUp, int rows, int size, float[] y) {
        int bound = SPECIES.loopBound(size);
        for (int r = 0; r < rows; r++) {
            int from = r * 2 * size;
            for (int i = 0; i < bound; i += LANES) {
                var gate = FloatVector.fromArray(SPECIES, gateUp, from + i);
                var up = FloatVector.fromArray(SPECIES, gateUp, from + size + i);
                gate.mul(up).div(Exponential.of(gate.neg()).add(1)).intoArray(y, r * size + i);
            }
            for (int i = bound; i < size; i++) {
                float gate = gateUp[from + i];
                y[r * size + i] = gate * gateUp[from + size + i] / (Exponential.of(-gate) + 1);
            }
        }
    }

    /** First lane to last; {@code reduceLanes} leaves the order open. */
    private static float sum(FloatVector v) {
        float sum = 0;
        for (float each : v.toArray()) {
            sum += each;
        }
        return sum;
    }

    @Override
    public void attend(float[] queries, int stride, Span span, int heads, KvCache cache, float[] out, Scratch scratch) {
        int dim = cache.headDim;
        int group = heads / cache.kvHeads;
        int scoreStride = (span.start() + span.tokens() + cache.keyStride) / LANES * LANES + LANES;
        int tileStart = TILE * scoreStride;
        int outStart = tileStart + TILE * dim;
        var work = scratch.atLeast(outStart + TILE * cache.valueStride);
        float scale = (float) (1 / Math.sqrt(dim));
        for (int kvHead = 0; kvHead < cache.kvHeads; kvHead++) {
            for (int first = 0; first < span.tokens() * group; first += TILE) {
                int last = Math.min(TILE, span.tokens() * group - first) - 1;
                for (int r = 0; r < TILE; r++) {
                    int index = first + Math.min(r, last);
                    int from = (span.firstRow() + index / group) * stride + (kvHead * group + index % group) * dim;
                    for (int d = 0; d < dim; d++) {
                        work[tileStart + r * dim + d] = queries[from + d] * scale;
                    }
                }
                int positions = span.start() + (first + last) / group + 1;
                scores(work, tileStart, positions, scoreStride, kvHead, span.blocks(), cache);
                for (int r = 0; r < TILE; r++) {
                    int limit = span.start() + (first + Math.min(r, last)) / group + 1;
                    softmax(work, r * scoreStride, limit, positions);
                }
                weigh(work, scoreStride, positions, kvHead, span.blocks(), cache, outStart);
                for (int r = 0; r <= last; r++) {
                    int index = first + r;
                    int row = span.firstRow() + index / group;
                    int to = row * heads * dim + (kvHead * group + index % group) * dim;
                    System.arraycopy(work, outStart + r * cache.valueStride, out, to, dim);
                }
            }
        }
    }

    /** Scores of four queries; a block's surplus lanes are overwritten by the next block or lie behind the limit. */
    private static void scores(
            float[] work, int q, int positions, int scoreStride, int kvHead, int[] blocks, KvCache cache) {
        int dim = cache.headDim;
        int keyStride = cache.keyStride;
        var keys = cache.keys;
        for (int block = 0, at = 0; at < positions; block++, at += cache.blockSize) {
            int base = cache.keyBase(blocks[block], kvHead);
            int needed = Math.min(cache.blockSize, positions - at);
            for (int lane = 0; lane < needed; lane += LANES) {
                var s0 = FloatVector.zero(SPECIES);
                var s1 = s0;
                var s2 = s0;
                var s3 = s0;
                for (int d = 0; d < dim; d++) {
                    var key = FloatVector.fromArray(SPECIES, keys, base + d * keyStride + lane);
                    s0 = key.fma(FloatVector.broadcast(SPECIES, work[q + d]), s0);
                    s1 = key.fma(FloatVector.broadcast(SPECIES, work[q + dim + d]), s1);
                    s2 = key.fma(FloatVector.broadcast(SPECIES, work[q + 2 * dim + d]), s2);
                    s3 = key.fma(FloatVector.broadcast(SPECIES, work[q + 3 * dim + d]), s3);
                }
                s0.intoArray(work, at + lane);
                s1.intoArray(work, scoreStride + at + lane);
                s2.intoArray(work, 2 * scoreStride + at + lane);
                s3.intoArray(work, 3 * scoreStride + at + lane);
            }
        }
    }

    /** Softmax of the first {@code limit} numbers; the rest up to {@code positions} becomes 0. */
    private static void softmax(float[] work, int from, int limit, int positions) {
        int bound = SPECIES.loopBound(limit);
        var greatest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < bound; i += LANES) {
            greatest = greatest.max(FloatVector.fromArray(SPECIES, work, from + i));
        }
        float max = greatest.reduceLanes(VectorOperators.MAX);
        for (int i = bound; i < limit; i++) {
            max = Math.max(max, work[from + i]);
        }
        var sums = FloatVector.zero(SPECIES);
        for (int i = 0; i < bound; i += LANES) {
            var power = Exponential.of(
                    FloatVector.fromArray(SPECIES, work, from + i).sub(max));
            power.intoArray(work, from + i);
            sums = sums.add(power);
        }
        float sum = sum(sums);
        for (int i = bound; i < limit; i++) {
            work[from + i] = Exponential.of(work[from + i] - max);
            sum += work[from + i];
        }
        float scale = 1 / sum;
        for (int i = 0; i < limit; i++) {
            work[from + i] *= scale;
        }
        for (int i = limit; i < positions; i++) {
            work[from + i] = 0;
        }
    }

    /** Four weighted sums of values. */
    private static void weigh(
            float[] work, int scoreStride, int positions, int kvHead, int[] blocks, KvCache cache, int to) {
        int valueStride = cache.valueStride;
        var values = cache.values;
        for (int d = 0; d < valueStride; d += PANEL) {
            var zero = FloatVector.zero(SPECIES);
            var a0 = zero;
            var b0 = zero;
            var a1 = zero;
            var b1 = zero;
            var a2 = zero;
            var b2 = zero;
            var a3 = zero;
            var b3 = zero;
            for (int block = 0, start = 0; start < positions; block++, start += cache.blockSize) {
                int at = cache.valueBase(blocks[block], kvHead) + d;
                int end = Math.min(start + cache.blockSize, positions);
                for (int p = start; p < end; p++, at += valueStride) {
                    var left = FloatVector.fromArray(SPECIES, values, at);
                    var right = FloatVector.fromArray(SPECIES, values, at + LANES);
                    var f0 = FloatVector.broadcast(SPECIES, work[p]);
                    var f1 = FloatVector.broadcast(SPECIES, work[scoreStride + p]);
                    var f2 = FloatVector.broadcast(SPECIES, work[2 * scoreStride + p]);
                    var f3 = FloatVector.broadcast(SPECIES, work[3 * scoreStride + p]);
                    a0 = left.fma(f0, a0);
                    b0 = right.fma(f0, b0);
                    a1 = left.fma(f1, a1);
                    b1 = right.fma(f1, b1);
                    a2 = left.fma(f2, a2);
                    b2 = right.fma(f2, b2);
                    a3 = left.fma(f3, a3);
                    b3 = right.fma(f3, b3);
                }
            }
            put(a0, b0, work, to + d);
            put(a1, b1, work, to + valueStride + d);
            put(a2, b2, work, to + 2 * valueStride + d);
            put(a3, b3, work, to + 3 * valueStride + d);
        }
    }
}
