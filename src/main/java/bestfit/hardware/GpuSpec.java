package bestfit.hardware;

import java.util.List;

/**
 * One kind of GPU, from its data sheet; memory as the driver reports it. TFLOPS are dense with FP32 accumulation.
 *
 * @param names the first is ours, the others are spellings, all in lower case
 * @param memoryBytes what CUDA reports as total
 * @param bytesPerSecond of the memory
 * @param halfFlops 16-bit floating-point operations a second
 * @param fp8Flops 8-bit ones; 0 if the tensor cores have none
 * @param link how GPUs of one server are connected unless the server says otherwise
 * @param multiprocessors of the whole chip; a thread block runs on one of them
 * @param cacheBytes of the L2 cache that all multiprocessors share
 * @param generation GPUs of one generation resemble each other in how much of the data sheet they reach
 */
public record GpuSpec(
        List<String> names,
        long memoryBytes,
        double bytesPerSecond,
        double halfFlops,
        double fp8Flops,
        Interconnect link,
        String generation,
        int multiprocessors,
        long cacheBytes) {
    public GpuSpec {
        names = List.copyOf(names);
    }

    public String name() {
        return names.getFirst();
    }

    /** One of equal parts of it. */
    public GpuSpec part(int parts) {
        return new GpuSpec(
                names,
                memoryBytes / parts,
                bytesPerSecond / parts,
                halfFlops / parts,
                fp8Flops / parts,
                link,
                generation,
                Math.max(1, multiprocessors / parts),
                cacheBytes / parts);
    }

    /** Consumer cards have no P2P over PCIe, and their driver keeps more memory to itself. */
    public boolean consumer() {
        return name().startsWith("rtx") && !name().startsWith("rtxpro") && !name().endsWith("ada");
    }
}
