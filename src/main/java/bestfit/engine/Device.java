package bestfit.engine;

import bestfit.engine.TensorOps.Scratch;
import bestfit.engine.TensorOps.Span;
import bestfit.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * One device's part of a forward pass: the layers of its pipeline stage, its tensor-parallel share of each. Used by the
 * device's own thread.
 */
final class Device {
    private final ModelSpec spec;
    private final int rank;
    private final int tp;
    private final Shard shard;
    private final TensorOps ops;
    private final DeviceWeights weights;
    private final Rotary rotary;
    private final AllReduce allReduce;
    private final Meeting meeting;
    private final List<KvCache> caches = new ArrayList<>();
    private final Scratch normed = new Scratch();
    private final Scratch projected = new Scratch();
    private final Scratch attended = new Scratch();
    private final Scratch gated = new Scratch();
    private final Scratch attention = new Scratch();

    Device(
            ModelSpec spec,
            int rank,
            CpuExecutor.Options options,
            TensorOps ops,
            DeviceWeights weights,
            Rotary rotary,
            AllReduce allReduce,
            Meeting meeting) {
        this.spec = spec;
        this.rank = rank;
        this.tp = options.tp();
        this.shard = Shard.of(spec, rank, tp);
        this.ops = ops;
        this.weights = weights;
        this.rotary = rotary;
        this.allReduce = allReduce;
        this.meeting = meeting;
        for (int i = 0; i < weights.layers().size(); i++) {
            caches.add(
                    new KvCache(options.blocks(), options.blockSize(), shard.kvHeads(), spec.headDim(), ops.lanes()));
        }
    }

    /** Computes this device's share; on the last stage rank 0 samples and completes the pass. */
    void forward(Pass pass, Sampler sampler) throws InterruptedException {
        int size = pass.tokens * spec.hiddenSize();
        if (weights.embedding() != null) {
            pass.hidden[rank] = embed(pass, weights.embedding());
        }
        var stream = pass.hidden[rank];
        for (int i = 0; i < weights.layers().size(); i++) {
            var layer = weights.layers().get(i);
            attention(layer, caches.get(i), pass, stream);
            allReduce.addTo(stream, 0, size);
            mlp(layer, pass.tokens, stream);
            allReduce.addTo(stream, 1, size);
        }
        var output = weights.output();
        if (weights.finalNorm() != null && output != null) {
            logits(pass, stream, weights.finalNorm(), output, sampler);
        }
    }

    private float[] embed(Pass pass, float[] embedding) {
        int hidden = spec.hiddenSize();
        var stream = new float[pass.tokens * hidden];
        int at = 0;
        for (var row : pass.rows) {
            for (int token : row.tokens()) {
                System.arraycopy(embedding, token * hidden, stream, at, hidden);
                at += hidden;
            }
        }
        return stream;
    }

    private void attention(DeviceWeights.Layer layer, KvCache cache, Pass pass, float[] stream) {
        int hidden = spec.hiddenSize();
        int width = layer.qkv().outputs();
        int dim = spec.headDim();
        int tokens = pass.tokens;
        var normal = normed.atLeast(tokens * hidden);
        ops.rmsNorm(stream, tokens, layer.inputNorm(), spec.rmsNormEps(), normal);
        var qkv = projected.atLeast(tokens * width);
        ops.multiply(normal, hidden, tokens, layer.qkv(), qkv, width, 0);
        if (layer.qkvBias() != null) {
            addBias(qkv, tokens, layer.qkvBias());
        }
        var out = attended.atLeast(tokens * shard.heads() * dim);
        var row = new float[width];
        for (var span : pass.spans) {
            place(layer, cache, span, qkv, row);
            ops.attend(qkv, width, span, shard.heads(), cache, out, attention);
        }
        var part = allReduce.buffer(rank, 0, tokens * hidden);
        ops.multiply(out, shard.heads() * dim, tokens, layer.attentionOutput(), part, hidden, 0);
    }

    /** Turns queries and keys by their positions and stores keys and values. */
    private void place(DeviceWeights.Layer layer, KvCache cache, Span span, float[] qkv, float[] row) {
        int keyOffset = shard.heads() * spec.headDim();
        int valueOffset = keyOffset + shard.kvHeads() * spec.headDim();
        for (int i = 0; i < span.tokens(); i++) {
            int at = (span.firstRow() + i) * row.length;
            int position = span.start() + i;
            System.arraycopy(qkv, at, row, 0, row.length);
            rotary.apply(row, 0, shard.heads(), position, layer.queryNorm(), spec.rmsNormEps());
            rotary.apply(row, keyOffset, shard.kvHeads(), position, layer.keyNorm(), spec.rmsNormEps());
            System.arraycopy(row, 0, qkv, at, keyOffset);
            cache.store(span.blocks(), position, row, keyOffset, valueOffset);
        }
    }

    private void mlp(DeviceWeights.Layer layer, int tokens, float[] stream) {
        int hidden = spec.hiddenSize();
        int middle = layer.down().inputs();
        var normal = normed.atLeast(tokens * hidden);
        ops.rmsNorm(stream, tokens, layer.mlpNorm(), spec.rmsNormEps(), normal);
        var gateUp = projected.atLeast(tokens * 2 * middle);
        ops.multiply(normal, hidden, tokens, layer.gateUp(), gateUp, 2 * middle, 0);
        var gate = gated.atLeast(tokens * middle);
        ops.gate(gateUp, tokens, middle, gate);
        var part = allReduce.buffer(rank, 1, tokens * hidden);
        ops.multiply(gate, middle, tokens, layer.down(), part, hidden, 0);
    }

    private static void addBias(float[] x, int rows, float[] bias) {
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < bias.length; i++) {
                x[r * bias.length + i] += bias[i];
            }
        }
    }

    private void logits(Pass pass, float[] stream, float[] norm, Matrix output, Sampler sampler)
            throws InterruptedException {
        int hidden = spec.hiddenSize();
        int firstToken = Shard.start(spec.vocabSize(), rank, tp);
        int wanted = pass.uses.size();
        for (int from = 0; from < wanted; from += Pass.LOGIT_ROWS) {
            int to = Math.min(from + Pass.LOGIT_ROWS, wanted);
            int rows = to - from;
            var picked = attended.atLeast(rows * hidden);
            for (int i = 0; i < rows; i++) {
                System.arraycopy(stream, pass.uses.get(from + i).token() * hidden, picked, i * hidden, hidden);
            }
            var normal = normed.atLeast(rows * hidden);
            ops.rmsNorm(picked, rows, norm, spec.rmsNormEps(), normal);
            ops.multiply(normal, hidden, rows, output, pass.logits, spec.vocabSize(), firstToken);
            meeting.await();
            if (rank == 0) {
                pass.take(from, to, sampler);
            }
            if (to < wanted) {
                meeting.await();
            }
        }
        if (rank == 0) {
            pass.complete();
        }
    }
}
