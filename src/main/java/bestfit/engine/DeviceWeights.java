package bestfit.engine;

import bestfit.engine.WeightSource.Role;
import bestfit.model.Dtype;
import bestfit.model.ModelSizes;
import bestfit.model.ModelSpec;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The weights one device holds: its pipeline stage's layers, its tensor-parallel share of each.
 *
 * @param embedding {@code vocabulary × hidden}; on the first stage only
 * @param finalNorm on the last stage only, likewise {@code output}
 * @param output the device's share of the vocabulary
 */
record DeviceWeights(
        List<Layer> layers,
        float @Nullable [] embedding,
        float @Nullable [] finalNorm,
        @Nullable Matrix output) {

    /**
     * One decoder layer.
     *
     * @param qkv queries of the device's heads, then keys, then values
     * @param queryNorm null where the architecture has none, likewise {@code keyNorm} and {@code qkvBias}
     */
    record Layer(
            float[] inputNorm,
            Matrix qkv,
            float @Nullable [] qkvBias,
            float @Nullable [] queryNorm,
            float @Nullable [] keyNorm,
            Matrix attentionOutput,
            float[] mlpNorm,
            Matrix gateUp,
            Matrix down) {}

    /** Loads all devices' shares, stage by stage, each a list of ranks. */
    static List<List<DeviceWeights>> load(
            ModelSpec spec, WeightSource source, TensorOps ops, Dtype dtype, int tp, int pp) {
        return new Loader(spec, source, ops, dtype, tp).load(pp);
    }

    private record Loader(ModelSpec spec, WeightSource source, TensorOps ops, Dtype dtype, int tp) {

        List<List<DeviceWeights>> load(int pp) {
            int hidden = spec.hiddenSize();
            var embedding = tensor("model.embed_tokens.weight", spec.vocabSize(), hidden, Role.EMBEDDING);
            var head = spec.tiedEmbeddings()
                    ? embedding
                    : tensor("lm_head.weight", spec.vocabSize(), hidden, Role.EMBEDDING);
            var norm = tensor("model.norm.weight", 1, hidden, Role.FINAL_NORM);
            var layers = IntStream.range(0, spec.layers())
                    .parallel()
                    .mapToObj(this::layer)
                    .toList();
            var counts = ModelSizes.stageLayers(spec.layers(), pp);
            return IntStream.range(0, pp)
                    .mapToObj(stage -> {
                        int from = Arrays.stream(counts, 0, stage).sum();
                        boolean last = stage == pp - 1;
                        return ranks(rank -> new DeviceWeights(
                                layers.subList(from, from + counts[stage]).stream()
                                        .map(shares -> shares.get(rank))
                                        .toList(),
                                stage == 0 ? embedding : null,
                                last ? norm : null,
                                last ? vocabularyShare(head, rank) : null));
                    })
                    .toList();
        }

        private <T> List<T> ranks(IntFunction<T> share) {
            return IntStream.range(0, tp).mapToObj(share).toList();
        }

        private Matrix vocabularyShare(float[] head, int rank) {
            int from = Shard.start(spec.vocabSize(), rank, tp);
            int to = Shard.start(spec.vocabSize(), rank + 1, tp);
            return ops.pack(rows(head, from, to, spec.hiddenSize()), to - from, spec.hiddenSize());
        }

        private List<Layer> layer(int index) {
            var name = "model.layers." + index + ".";
            var attention = name + "self_attn.";
            int hidden = spec.hiddenSize();
            int dim = spec.headDim();
            int queries = spec.heads() * dim;
            int keys = spec.kvHeads() * dim;
            int middle = spec.intermediateSize();
            var inputNorm = tensor(name + "input_layernorm.weight", 1, hidden, Role.NORM);
            var mlpNorm = tensor(name + "post_attention_layernorm.weight", 1, hidden, Role.NORM);
            boolean headNorms = spec.architecture().headNorms();
            var queryNorm = headNorms ? tensor(attention + "q_norm.weight", 1, dim, Role.NORM) : null;
            var keyNorm = headNorms ? tensor(attention + "k_norm.weight", 1, dim, Role.NORM) : null;
            var q = tensor(attention + "q_proj.weight", queries, hidden, Role.INPUT);
            var k = tensor(attention + "k_proj.weight", keys, hidden, Role.INPUT);
            var v = tensor(attention + "v_proj.weight", keys, hidden, Role.INPUT);
            var bias = spec.attentionBias()
                    ? List.of(
                            tensor(attention + "q_proj.bias", 1, queries, Role.BIAS),
                            tensor(attention + "k_proj.bias", 1, keys, Role.BIAS),
                            tensor(attention + "v_proj.bias", 1, keys, Role.BIAS))
                    : List.<float[]>of();
            var o = tensor(attention + "o_proj.weight", hidden, queries, Role.OUTPUT);
            var gate = tensor(name + "mlp.gate_proj.weight", middle, hidden, Role.INPUT);
            var up = tensor(name + "mlp.up_proj.weight", middle, hidden, Role.INPUT);
            var down = tensor(name + "mlp.down_proj.weight", hidden, middle, Role.OUTPUT);
            return ranks(rank -> {
                var shard = Shard.of(spec, rank, tp);
                var qkv = heads(shard, q, k, v, hidden);
                int from = Shard.start(middle, rank, tp);
                int to = Shard.start(middle, rank + 1, tp);
                var gateUp = join(rows(gate, from, to, hidden), rows(up, from, to, hidden));
                int firstQuery = shard.firstHead() * dim;
                int someQueries = shard.heads() * dim;
                return new Layer(
                        inputNorm,
                        ops.pack(qkv, qkv.length / hidden, hidden),
                        bias.isEmpty() ? null : heads(shard, bias.get(0), bias.get(1), bias.get(2), 1),
                        queryNorm,
                        keyNorm,
                        ops.pack(columns(o, queries, firstQuery, firstQuery + someQueries), hidden, someQueries),
                        mlpNorm,
                        ops.pack(gateUp, 2 * (to - from), hidden),
                        ops.pack(columns(down, middle, from, to), hidden, to - from));
            });
        }

        private float[] heads(Shard shard, float[] q, float[] k, float[] v, int columns) {
            int dim = spec.headDim();
            int query = shard.firstHead() * dim;
            int key = shard.firstKvHead() * dim;
            int keys = shard.kvHeads() * dim;
            return join(
                    rows(q, query, query + shard.heads() * dim, columns),
                    rows(k, key, key + keys, columns),
                    rows(v, key, key + keys, columns));
        }

        private float[] tensor(String name, int rows, int columns, Role role) {
            var values = source.tensor(name, rows, columns, role);
            if (dtype != Dtype.FLOAT32) {
                for (int i = 0; i < values.length; i++) {
                    values[i] = dtype.round(values[i]);
                }
            }
            return values;
        }

        private static float[] rows(float[] matrix, int from, int to, int columns) {
            return Arrays.copyOfRange(matrix, from * columns, to * columns);
        }

        private static float[] columns(float[] matrix, int columns, int from, int to) {
            int width = to - from;
            var part = new float[matrix.length / columns * width];
            for (int r = 0; r < matrix.length / columns; r++) {
                System.arraycopy(matrix, r * columns + from, part, r * width, width);
            }
            return part;
        }

        private static float[] join(float[]... parts) {
            var whole = new float[Arrays.stream(parts).mapToInt(p -> p.length).sum()];
            int at = 0;
            for (var part : parts) {
                System.arraycopy(part, 0, whole, at, part.length);
                at += part.length;
            }
            return whole;
        }
    }
}
