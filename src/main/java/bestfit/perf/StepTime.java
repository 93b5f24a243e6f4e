package bestfit.perf;

/**
 * Where a step's time goes, seconds, over all pipeline stages.
 *
 * @param weights matrix products, by memory or arithmetic, whichever takes longer
 * @param attention reading and multiplying the KV cache
 * @param communication all-reduces and hand-overs between stages
 * @param cpu what the engine does while the GPUs wait, and launches
 * @param hostMemory waiting for weights that are in host memory, beyond what the products would take with weights of the GPU's own
 * @param slowestStage time after which the next micro-batch can enter the pipeline
 */
public record StepTime(
        double weights, double attention, double communication, double cpu, double hostMemory, double slowestStage) {
    static final StepTime ZERO = new StepTime(0, 0, 0, 0, 0, 0);

    /** From the step's start to its tokens. */
    public double seconds() {
        return weights + attention + communication + cpu + hostMemory;
    }
}
