package bestfit.engine;

import bestfit.model.EmbeddedSizes;
import bestfit.model.ModelSpec;
import bestfit.perf.Instance;
import bestfit.perf.MemoryModel;

/**
 * What one device's memory goes into; bytes, of the fullest device of the instance.
 *
 * @param total of the device
 * @param usable total × memory utilization
 * @param weights the device's share
 * @param activations greatest need of a forward pass, and what the GPU's software keeps
 * @param kvCache what is left for KV blocks; negative when nothing is
 * @param blockBytes of one KV block
 */
record DeviceMemory(long total, long usable, long weights, long activations, long kvCache, long blockBytes) {
    /** A core of the embedded engine. */
    static DeviceMemory computed(EngineArgs args, ModelSpec spec, int batchedTokens, int sequences) {
        int tp = args.tensorParallel();
        int pp = args.pipelineParallel();
        long activations = EmbeddedSizes.activationBytes(spec, tp, batchedTokens, sequences);
        long weights = EmbeddedSizes.weightBytes(spec, tp, pp);
        long usable = (long) (args.deviceMemoryBytes() * args.memoryUtilization());
        long kvCache = args.kvCacheBytes().orElse(usable - weights - activations);
        long blockBytes = EmbeddedSizes.kvBytesPerToken(spec, tp, pp) * args.blockSize();
        return new DeviceMemory(args.deviceMemoryBytes(), usable, weights, activations, kvCache, blockBytes);
    }

    /** A GPU under vLLM, by the performance model. */
    static DeviceMemory simulated(EngineArgs args, Instance instance) {
        var memory = MemoryModel.of(instance);
        long usable = (long) (memory.total() * args.memoryUtilization());
        long rest = (long) (memory.activation() + memory.nonTorch());
        long weights = (long) memory.weights();
        return new DeviceMemory(
                (long) memory.total(),
                usable,
                weights,
                rest,
                args.kvCacheBytes().orElse(usable - weights - rest),
                (long) (memory.kvBytesPerToken() * args.blockSize()));
    }
}
