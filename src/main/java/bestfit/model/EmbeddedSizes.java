package bestfit.model;

/**
 * What the embedded engine keeps on the fullest device of an instance. Pure functions; bytes. All of it is 32-bit floats,
 * weights and KV cache too, since that is how the executor holds them whatever {@code --dtype} it rounds to.
 */
public final class EmbeddedSizes {
    /** Memory of a device unless told: little, so that layouts differ for the reasons they differ on GPUs. */
    public static final long DEVICE_BYTES = 256L << 20;

    /** vLLM's default share of a device's memory. */
    public static final double UTILIZATION = 0.92;

    public static final int BLOCK_TOKENS = 16;
    public static final int SEQUENCES = 256;
    public static final int BATCHED_TOKENS = 2048;

    private EmbeddedSizes() {}

    public static long weightBytes(ModelSpec spec, int tp, int pp) {
        return ModelSizes.weightBytesPerDevice(spec, Dtype.FLOAT32, tp, pp);
    }

    public static long kvBytesPerToken(ModelSpec spec, int tp, int pp) {
        return ModelSizes.kvBytesPerTokenPerDevice(spec, Dtype.FLOAT32, tp, pp);
    }

    /**
     * Greatest need of a forward pass: residual stream, its normalised copy, attention input and output, gate and up of the
     * MLP for a full batch, and the logits of every sequence.
     */
    public static long activationBytes(ModelSpec spec, int tp, int batchedTokens, int sequences) {
        long perToken = 2L * spec.hiddenSize()
                + Math.ceilDiv(2L * spec.heads() * spec.headDim() + 2L * spec.kvHeads() * spec.headDim(), tp)
                + Math.ceilDiv(2L * spec.intermediateSize(), tp);
        long logits = (long) sequences * Math.ceilDiv(spec.vocabSize(), tp);
        return (perToken * batchedTokens + logits) * Float.BYTES;
    }
}
