package bestfit.model;

import org.jspecify.annotations.Nullable;

/**
 * What time and memory of a model depend on, for every family that can be planned for; the embedded engine runs fewer
 * ({@link ModelSpec}).
 *
 * @param heads query heads a layer
 * @param ffn width of a dense layer's feed-forward part
 * @param denseLayers layers without experts
 * @param experts null for a dense model
 * @param latent null unless attention is multi-head latent attention
 * @param window tokens that a sliding layer sees; 0 without sliding layers
 * @param slidingLayers layers that see only the window
 * @param smallParameters norms and biases of a layer
 * @param towerParameters of what a model sees with, in 16 bits; 0 for one that only reads
 * @param normAcrossHeads true where queries and keys are normalised over all heads, so that TP must sum over its devices
 * @param format of the quantised matrices
 * @param onlyExpertsQuantised true where attention and dense parts stay in 16 bits
 * @param maxPositions longest context
 */
public record ModelCard(
        String name,
        int hidden,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int ffn,
        int denseLayers,
        @Nullable Experts experts,
        @Nullable Latent latent,
        int window,
        int slidingLayers,
        int vocabulary,
        boolean tied,
        long smallParameters,
        long towerParameters,
        boolean normAcrossHeads,
        WeightFormat format,
        boolean onlyExpertsQuantised,
        int maxPositions) {
    /**
     * The experts of a layer.
     *
     * @param perToken that a token is sent to
     * @param ffn width of one
     * @param sharedFfn width of what every token passes; 0 without
     */
    public record Experts(int count, int perToken, int ffn, int sharedFfn) {}

    /**
     * Multi-head latent attention, as in DeepSeek-V2 and -V3.
     *
     * @param queryRank 0 where queries are not compressed
     */
    public record Latent(int queryRank, int kvRank, int ropeDim, int nopeDim, int valueDim) {}

    /** The same model with other weights, as {@code --quantization} makes them at load time. */
    public ModelCard with(WeightFormat other) {
        return new ModelCard(
                name,
                hidden,
                layers,
                heads,
                kvHeads,
                headDim,
                ffn,
                denseLayers,
                experts,
                latent,
                window,
                slidingLayers,
                vocabulary,
                tied,
                smallParameters,
                towerParameters,
                normAcrossHeads,
                other,
                onlyExpertsQuantised && other != WeightFormat.HALF,
                maxPositions);
    }

    public int moeLayers() {
        return layers - denseLayers;
    }

    /** Matrix elements of one layer's attention. */
    public long attentionParameters() {
        long d = hidden;
        if (latent == null) {
            return d * headDim * (2L * heads + 2L * kvHeads);
        }
        long perHead = (long) latent.nopeDim() + latent.ropeDim();
        long queries = latent.queryRank() == 0
                ? d * heads * perHead
                : d * latent.queryRank() + perHead * heads * latent.queryRank();
        return queries
                + d * latent.kvRank()
                + d * latent.ropeDim()
                + latentParameters(latent)
                + (long) heads * latent.valueDim() * d;
    }

    private long latentParameters(Latent of) {
        long perHead = (long) of.nopeDim() + of.valueDim();
        return perHead * heads * of.kvRank();
    }

    public long denseFfnParameters() {
        return 3L * hidden * ffn;
    }

    /** Of one expert. */
    public long expertParameters() {
        return experts == null ? 0 : 3L * hidden * experts.ffn();
    }

    public long sharedParameters() {
        return experts == null ? 0 : 3L * hidden * experts.sharedFfn() + (long) hidden * experts.count();
    }

    public long embeddingParameters() {
        return (long) vocabulary * hidden;
    }

    /** All numbers of the checkpoint; a tied output matrix counts once. */
    public long parameters() {
        long each = layers * (attentionParameters() + smallParameters) + denseLayers * denseFfnParameters() + hidden;
        long expertsOfAll =
                experts == null ? 0 : moeLayers() * (experts.count() * expertParameters() + sharedParameters());
        return each + expertsOfAll + embeddingParameters() * (tied ? 1 : 2) + towerParameters;
    }

    /** Those that one token passes, without the embedding. */
    public long activeParameters() {
        long idle =
                experts == null ? 0 : moeLayers() * (long) (experts.count() - experts.perToken()) * expertParameters();
        return parameters() - towerParameters - idle - (tied ? 0 : embeddingParameters());
    }

    private double plainBytes() {
        return onlyExpertsQuantised ? 2 : format.bytes();
    }

    /** Of one layer's attention, all devices together. */
    public double attentionBytes() {
        return attentionParameters() * plainBytes() + 2.0 * smallParameters;
    }

    public double denseFfnBytes() {
        return denseFfnParameters() * plainBytes();
    }

    public double expertBytes() {
        return expertParameters() * format.bytes();
    }

    /** Shared expert and router; the router stays in 16 bits. */
    public double sharedBytes() {
        return experts == null ? 0 : 3.0 * hidden * experts.sharedFfn() * plainBytes() + 2.0 * hidden * experts.count();
    }

    /** Embedding and output matrix stay in 16 bits whatever the format. */
    public double embeddingBytes() {
        return embeddingParameters() * Math.max(2.0, format == WeightFormat.FLOAT32 ? 4 : 2);
    }

    /** Of the whole model. */
    public double weightBytes() {
        double all = layers * attentionBytes()
                + denseLayers * denseFfnBytes()
                + embeddingBytes() * (tied ? 1 : 2)
                + 2.0 * towerParameters;
        return experts == null ? all : all + moeLayers() * (experts.count() * expertBytes() + sharedBytes());
    }

    /** Numbers that one layer keeps of one token: key and value of every KV head, or the latent vector. */
    public long kvNumbersPerLayer() {
        return latent == null ? 2L * kvHeads * headDim : (long) latent.kvRank() + latent.ropeDim();
    }
}
