package bestfit.engine;

/** Where a checkpoint's tensors come from. */
interface WeightSource extends AutoCloseable {
    /**
     * A tensor under its Hugging Face name, row-major; the caller owns the array.
     *
     * @param role how large its numbers are when they are generated
     * @throws bestfit.config.ConfigException if it is missing or of another size
     */
    float[] tensor(String name, int rows, int columns, Role role);

    @Override
    void close();

    /** What a tensor is for. */
    enum Role {
        EMBEDDING,
        /** Reads the normalised stream. */
        INPUT,
        /** Writes into the residual stream. */
        OUTPUT,
        NORM,
        FINAL_NORM,
        BIAS
    }
}
