package bestfit.perf;

/**
 * Where a step's time goes, seconds, over all pipeline stages.
 *
 * @param weights matrix products, by memory or arithmetic, whichever takes longer
 * @param attention reading and multiplying the KV cache
 * @param communication all-reduces and hand-overs between stages
 * @param cpu what the engine does while the GPUs wait, and launches
 * @param slowestStage time after which the next micro-batch can enter the pipeline
 */
public record StepTime(double weights, double attention, double communication, double cpu, double slowestStage) {
    /** From the step's start to its tokens. */
    public double seconds() {
        return weights + attention + communication + cpu;
    }
}
