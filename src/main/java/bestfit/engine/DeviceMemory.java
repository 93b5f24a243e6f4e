package bestfit.engine;

import bestfit.model.Dtype;
import bestfit.model.ModelSizes;
import bestfit.model.ModelSpec;

/**
 * What one device's memory goes into; bytes, of the fullest device of the instance.
 *
 * @param total of the device
 * @param usable total × memory utilization
 * @param weights the device's share
 * @param activations greatest need of a forward pass
 * @param kvCache what is left for KV blocks; negative when nothing is
 * @param blockBytes of one KV block
 */
record DeviceMemory(long total, long usable, long weights, long activations, long kvCache, long blockBytes) {
    /**
     * Divides a device. Activations: residual stream, its normalised copy, attention input and output, gate and up of the
     * MLP for a full batch, and the logits of every sequence. All of it is 32-bit floats, weights and KV cache too, since
     * that is how the executor holds them whatever {@code --dtype} it rounds to.
     */
    static DeviceMemory divide(EngineArgs args, ModelSpec spec, int batchedTokens, int sequences) {
        int tp = args.tensorParallel();
        int pp = args.pipelineParallel();
        long perToken = 2L * spec.hiddenSize()
                + Math.ceilDiv(2L * spec.heads() * spec.headDim() + 2L * spec.kvHeads() * spec.headDim(), tp)
                + Math.ceilDiv(2L * spec.intermediateSize(), tp);
        long logits = (long) sequences * Math.ceilDiv(spec.vocabSize(), tp);
        long activations = (perToken * batchedTokens + logits) * Float.BYTES;
        long weights = ModelSizes.weightBytesPerDevice(spec, Dtype.FLOAT32, tp, pp);
        long usable = (long) (args.deviceMemoryBytes() * args.memoryUtilization());
        long kvCache = args.kvCacheBytes().orElse(usable - weights - activations);
        long blockBytes = ModelSizes.kvBytesPerTokenPerDevice(spec, Dtype.FLOAT32, tp, pp) * args.blockSize();
        return new DeviceMemory(args.deviceMemoryBytes(), usable, weights, activations, kvCache, blockBytes);
    }
}
