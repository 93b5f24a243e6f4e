package bestfit.model;

/**
 * How a checkpoint stores a model.
 *
 * @param format of the quantised matrices
 * @param bytes of one number of them, its share of the scales included
 * @param plainAttention share of attention's numbers that stay in 16 bits
 * @param plainDense the same of dense layers' feed-forward parts
 * @param plainShared the same of what every token passes beside the experts
 * @param plainExperts the same of the experts
 * @param eightBitCache true where it says that the KV cache has eight bits, which vLLM obeys where no flag says otherwise
 */
public record Checkpoint(
        WeightFormat format,
        double bytes,
        double plainAttention,
        double plainDense,
        double plainShared,
        double plainExperts,
        boolean eightBitCache) {
    private static final double PLAIN = 2;

    static Checkpoint of(WeightFormat format) {
        return new Checkpoint(format, format.bytes(), 0, 0, 0, 0, false);
    }

    /** The same matrices quantised otherwise. */
    Checkpoint with(WeightFormat other) {
        return other == WeightFormat.HALF
                ? of(other)
                : new Checkpoint(
                        other, other.bytes(), plainAttention, plainDense, plainShared, plainExperts, eightBitCache);
    }

    /** Of one number of a part of which so much stays in 16 bits. */
    double bytes(double plain) {
        return plain * PLAIN + (1 - plain) * bytes;
    }

    /** That most of such a part is stored in. */
    WeightFormat format(double plain) {
        return plain > 0.5 ? WeightFormat.HALF : format;
    }
}
