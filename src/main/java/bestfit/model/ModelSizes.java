package bestfit.model;

import java.util.Arrays;

/** What a model weighs. Pure functions; bytes unless said. */
public final class ModelSizes {
    private ModelSizes() {}

    /** All numbers of the checkpoint; a tied output matrix counts once. */
    public static long parameters(ModelSpec spec) {
        long embedding = (long) spec.vocabSize() * spec.hiddenSize();
        return embedding * (spec.tiedEmbeddings() ? 1 : 2) + spec.hiddenSize() + spec.layers() * layerParameters(spec);
    }

    /** Of one decoder layer. */
    public static long layerParameters(ModelSpec spec) {
        long hidden = spec.hiddenSize();
        long queries = (long) spec.heads() * spec.headDim();
        long keys = (long) spec.kvHeads() * spec.headDim();
        long attention = hidden * (queries + 2 * keys) + queries * hidden;
        long bias = spec.attentionBias() ? queries + 2 * keys : 0;
        long norms = 2 * hidden + (spec.architecture().headNorms() ? 2L * spec.headDim() : 0);
        return attention + bias + norms + 3 * hidden * spec.intermediateSize();
    }

    public static long weightBytes(ModelSpec spec, Dtype dtype) {
        return parameters(spec) * dtype.bytes();
    }

    /** Key and value of one token in all layers, over all devices of an instance. */
    public static long kvBytesPerToken(ModelSpec spec, Dtype dtype) {
        return 2L * spec.layers() * spec.kvHeads() * spec.headDim() * dtype.bytes();
    }

    /**
     * Weights on the fullest device of an instance. Tensor parallelism splits every matrix; a pipeline stage holds its
     * layers, the first one the embedding too, the last one the output matrix.
     */
    public static long weightBytesPerDevice(ModelSpec spec, Dtype dtype, int tp, int pp) {
        var stages = stageLayers(spec.layers(), pp);
        long embedding = (long) spec.vocabSize() * spec.hiddenSize();
        long fullest = 0;
        for (int stage = 0; stage < pp; stage++) {
            long numbers = stages[stage] * layerParameters(spec);
            boolean first = stage == 0;
            boolean last = stage == pp - 1;
            int embeddings = (first ? 1 : 0) + (last && !(first && spec.tiedEmbeddings()) ? 1 : 0);
            fullest = Math.max(fullest, numbers + embeddings * embedding);
        }
        return Math.ceilDiv(fullest, tp) * dtype.bytes();
    }

    /**
     * KV bytes of one token on the fullest device of an instance. With more devices than KV heads each holds one, so
     * heads are replicated, as in vLLM.
     */
    public static long kvBytesPerTokenPerDevice(ModelSpec spec, Dtype dtype, int tp, int pp) {
        int layers = 0;
        for (int stage : stageLayers(spec.layers(), pp)) {
            layers = Math.max(layers, stage);
        }
        return 2L * layers * Math.ceilDiv(spec.kvHeads(), tp) * spec.headDim() * dtype.bytes();
    }

    /**
     * How vLLM splits layers over pipeline stages (get_pp_indices): evenly; the rest goes to the stages before the last,
     * from the back.
     *
     * @return layers of each stage
     */
    public static int[] stageLayers(int layers, int stages) {
        if (stages < 1 || stages > layers) {
            throw new IllegalArgumentException(layers + " layers cannot make " + stages + " stages");
        }
        var counts = new int[stages];
        Arrays.fill(counts, layers / stages);
        for (int i = 0; i < layers % stages; i++) {
            counts[Math.floorMod(stages - 2 - i, stages)]++;
        }
        return counts;
    }
}
