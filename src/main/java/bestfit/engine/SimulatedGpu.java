package bestfit.engine;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Figures of a GPU as its data sheet has them.
 *
 * @param memoryBytes as the driver reports it
 * @param memoryBandwidth bytes a second
 * @param flops dense 16-bit operations a second with 32-bit sums
 * @param fp8Flops likewise for 8-bit numbers; equal to {@code flops} where the GPU has no such units
 * @param linkBandwidth bytes a second in one direction to another GPU
 * @param nvlink false: over PCIe
 */
record SimulatedGpu(
        String name,
        long memoryBytes,
        double memoryBandwidth,
        double flops,
        double fp8Flops,
        double linkBandwidth,
        boolean nvlink) {
    private static final List<SimulatedGpu> KNOWN = List.of(
            pcie("3090", 24, 936, 71, 71, 32),
            pcie("4090", 23.52, 1008, 165.2, 330.3, 32),
            pcie("4070tis", 16, 672, 88, 176, 32),
            pcie("4080", 16, 717, 97, 195, 32),
            pcie("5090", 32, 1792, 209.5, 419, 64),
            pcie("A6000", 48, 768, 154.8, 154.8, 32),
            pcie("RTX-PRO-6000", 95.6, 1792, 467.8, 935.6, 64),
            pcie("A10", 24, 600, 125, 125, 32),
            pcie("L4", 22.5, 300, 121, 242, 32),
            pcie("L40S", 44.99, 864, 362, 733, 32),
            pcie("T4", 15, 320, 65, 65, 16),
            pcie("A100-PCIE", 79.3, 1935, 312, 312, 32),
            nvlink("A100-SXM", 79.3, 2039, 312, 312, 300),
            pcie("H100-PCIE", 79.6, 2000, 756.5, 1513, 64),
            nvlink("H100-SXM", 79.6, 3350, 989, 1978, 450),
            nvlink("H200", 139.8, 4800, 989, 1978, 450),
            nvlink("B200", 178, 7700, 2250, 4500, 900));

    private static SimulatedGpu pcie(
            String name, double gib, double gigabytes, double teraflops, double fp8Teraflops, double link) {
        return of(name, gib, gigabytes, teraflops, fp8Teraflops, link, false);
    }

    private static SimulatedGpu nvlink(
            String name, double gib, double gigabytes, double teraflops, double fp8Teraflops, double link) {
        return of(name, gib, gigabytes, teraflops, fp8Teraflops, link, true);
    }

    private static SimulatedGpu of(
            String name, double gib, double gigabytes, double flops, double fp8, double link, boolean nvlink) {
        return new SimulatedGpu(
                name, (long) (gib * (1L << 30)), gigabytes * 1e9, flops * 1e12, fp8 * 1e12, link * 1e9, nvlink);
    }

    /** Case, {@code RTX} and dashes do not matter. */
    static Optional<SimulatedGpu> find(String name) {
        return KNOWN.stream().filter(gpu -> plain(gpu.name).equals(plain(name))).findFirst();
    }

    static List<String> names() {
        return KNOWN.stream().map(SimulatedGpu::name).toList();
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replace("rtx", "").replaceAll("[-_ ]", "");
    }
}
