package bestfit.engine;

import bestfit.engine.StepExecutor.Row;
import bestfit.model.ModelSizes;
import bestfit.model.ModelSpec;
import java.util.Arrays;
import java.util.List;

/**
 * Times a step by what its slowest resource needs: weights and KV cache over memory bandwidth, products over arithmetic,
 * sums of tensor parallelism over the links, plus the host's work. Shares of peak and fixed costs are medians of public
 * operator tables (NVIDIA aiconfigurator's for vLLM, LLMServingSim's), not fitted to any end-to-end result. Stateless.
 */
final class RooflineTimer implements StepTimer {
    private static final double BANDWIDTH_SHARE = 0.78;
    private static final double KV_BANDWIDTH_SHARE = 0.85;
    private static final double FLOPS_SHARE = 0.7;
    private static final double ATTENTION_FLOPS_SHARE = 0.5;
    private static final double ATTENTION_SECONDS = 9e-6;
    private static final double GEMM_SECONDS = 3e-6;
    private static final int GEMMS = 4;
    private static final double STEP_SECONDS = 500e-6;
    private static final double LAYER_SECONDS = 10e-6;
    private static final double SEQUENCE_SECONDS = 4e-6;
    private static final double SUM_SECONDS = 4e-6;
    private static final double SUM_SECONDS_A_DEVICE = 2.2e-6;
    private static final double HAND_OVER_SECONDS = 10e-6;
    private static final double NVLINK_SHARE = 0.8;
    private static final double PCIE_SHARE = 0.6;
    /** Sums of more than two devices cross the host's bridges. */
    private static final double CROWDED_PCIE_SHARE = 0.2;

    private static final int ACTIVATION_BYTES = 2;

    private final ModelSpec spec;
    private final SimulatedGpu gpu;
    private final int tp;
    private final int pp;
    private final int layers;
    private final double weightBytes;
    private final double kvBytes;
    private final double flops;

    /**
     * @param weightBytes of one number, likewise {@code kvBytes}
     */
    RooflineTimer(ModelSpec spec, SimulatedGpu gpu, int tp, int pp, int weightBytes, int kvBytes) {
        this.spec = spec;
        this.gpu = gpu;
        this.tp = tp;
        this.pp = pp;
        this.layers =
                Arrays.stream(ModelSizes.stageLayers(spec.layers(), pp)).max().orElseThrow();
        this.weightBytes = weightBytes;
        this.kvBytes = 2.0 * Math.ceilDiv(spec.kvHeads(), tp) * spec.headDim() * kvBytes;
        this.flops = weightBytes == 1 ? gpu.fp8Flops() : gpu.flops();
    }

    @Override
    public long stageNanos(List<Row> rows) {
        int tokens = 0;
        int sampled = 0;
        double kv = 0;
        double scores = 0;
        for (var row : rows) {
            int count = row.tokens().length;
            double end = row.start() + (double) count;
            tokens += count;
            sampled += row.sampling() == null ? 0 : 1;
            kv += end * kvBytes;
            // Causal: every token looks at what came before it.
            scores += 2.0 * (end * end - (double) row.start() * row.start()) * spec.heads() * spec.headDim() / tp;
        }
        double attention = ATTENTION_SECONDS
                + Math.max(
                        kv / (KV_BANDWIDTH_SHARE * gpu.memoryBandwidth()),
                        scores / (ATTENTION_FLOPS_SHARE * gpu.flops()));
        double layer = GEMMS * GEMM_SECONDS
                + product((double) ModelSizes.layerParameters(spec) / tp, tokens)
                + attention
                + 2 * sum(tokens)
                + LAYER_SECONDS;
        // The stages are paced by the slowest, which is the one that holds the output matrix as well.
        double head = product((double) spec.vocabSize() * spec.hiddenSize() / tp, sampled);
        double host = STEP_SECONDS + SEQUENCE_SECONDS * rows.size();
        return Math.round((layers * layer + head + host + handOver(tokens)) * 1e9);
    }

    private double product(double parameters, int rows) {
        return rows == 0
                ? 0
                : Math.max(
                        parameters * weightBytes / (BANDWIDTH_SHARE * gpu.memoryBandwidth()),
                        2 * parameters * rows / (FLOPS_SHARE * flops));
    }

    /** Ring all-reduce: 2 (n − 1) / n of the bytes over each link. */
    private double sum(int tokens) {
        if (tp == 1) {
            return 0;
        }
        double share = gpu.nvlink() ? NVLINK_SHARE : tp == 2 ? PCIE_SHARE : CROWDED_PCIE_SHARE;
        double bytes = (double) tokens * spec.hiddenSize() * ACTIVATION_BYTES * 2 * (tp - 1) / tp;
        return SUM_SECONDS + SUM_SECONDS_A_DEVICE * tp + bytes / (share * gpu.linkBandwidth());
    }

    /** Hidden state and residual go to the next stage. */
    private double handOver(int tokens) {
        return pp == 1
                ? 0
                : HAND_OVER_SECONDS
                        + 2.0 * tokens * spec.hiddenSize() * ACTIVATION_BYTES / (PCIE_SHARE * gpu.linkBandwidth());
    }
}
