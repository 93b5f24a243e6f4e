package bestfit.model;

import java.util.Map;
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
 * @param stored how its checkpoint has them
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
        Checkpoint stored,
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
        return other == format() ? this : with(stored.with(other));
    }

    ModelCard with(Checkpoint other) {
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
                maxPositions);
    }

    public int moeLayers() {
        return layers - denseLayers;
    }

    /** Of the quantised matrices. */
    public WeightFormat format() {
        return stored.format();
    }

    /** Of attention. */
    public WeightFormat attentionFormat() {
        return stored.format(stored.plainAttention());
    }

    /** Of the feed-forward part of layers without experts. */
    public WeightFormat denseFormat() {
        return stored.format(stored.plainDense());
    }

    /** Of what every token passes beside the experts. */
    public WeightFormat sharedFormat() {
        return stored.format(stored.plainShared());
    }

    /** True where the checkpoint asks for a KV cache of eight bits. */
    public boolean eightBitCache() {
        return stored.eightBitCache();
    }

    /** Matrix elements of one layer's attention. */
    public long attentionParameters() {
        return attentionMatrices().values().stream().mapToLong(Long::longValue).sum();
    }

    /** The same, by the names that checkpoints give the matrices. */
    Map<String, Long> attentionMatrices() {
        long d = hidden;
        long all = heads;
        if (latent == null) {
            return Map.of(
                    "self_attn.q_proj", d * headDim * heads,
                    "self_attn.k_proj", d * headDim * kvHeads,
                    "self_attn.v_proj", d * headDim * kvHeads,
                    "self_attn.o_proj", d * headDim * heads);
        }
        long perHead = (long) latent.nopeDim() + latent.ropeDim();
        long rank = latent.queryRank();
        return Map.of(
                "self_attn.q_a_proj", d * rank,
                "self_attn.q_b_proj|self_attn.q_proj", all * perHead * (rank == 0 ? d : rank),
                "self_attn.kv_a_proj_with_mqa", d * ((long) latent.kvRank() + latent.ropeDim()),
                "self_attn.kv_b_proj", ((long) latent.nopeDim() + latent.valueDim()) * all * latent.kvRank(),
                "self_attn.o_proj", all * latent.valueDim() * d);
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

    /** Of one layer's attention, all devices together. */
    public double attentionBytes() {
        return attentionParameters() * stored.bytes(stored.plainAttention()) + 2.0 * smallParameters;
    }

    public double denseFfnBytes() {
        return denseFfnParameters() * stored.bytes(stored.plainDense());
    }

    public double expertBytes() {
        return expertParameters() * stored.bytes(stored.plainExperts());
    }

    /** Shared expert and router; the router stays in 16 bits. */
    public double sharedBytes() {
        return experts == null
                ? 0
                : 3.0 * hidden * experts.sharedFfn() * stored.bytes(stored.plainShared())
                        + 2.0 * hidden * experts.count();
    }

    /** Embedding and output matrix stay in 16 bits whatever the format. */
    public double embeddingBytes() {
        return embeddingParameters() * (format() == WeightFormat.FLOAT32 ? 4.0 : 2.0);
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
