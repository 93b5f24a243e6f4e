package bestfit.hardware;

/**
 * What one rank of an instance runs on.
 *
 * @param index as CUDA_VISIBLE_DEVICES counts
 * @param name for people
 * @param memoryBytes what weights and KV cache can take at most
 */
public record Device(Kind kind, int index, String name, long memoryBytes) {
    /** A core runs the embedded engine. */
    public enum Kind {
        CORE,
        GPU
    }
}
