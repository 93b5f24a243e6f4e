package bestfit.perf;

import bestfit.hardware.GpuSpec;
import bestfit.hardware.Interconnect;
import bestfit.model.ModelCard;
import bestfit.model.WeightFormat;

/**
 * Time of one forward pass: roofline of every matrix product with the efficiencies that operator tables show, attention,
 * collectives, and what the CPU adds. Sources: aiconfigurator's {@code gemm.rs}, {@code attention.rs}, {@code moe.rs} for
 * the operations and bytes; inference-sim's roofline for the expected number of experts; constants see
 * {@link Constants}. Immutable.
 */
public final class StepTimeModel {
    private static final double MICRO = 1e-6;
    private static final int ATTENTION_KERNELS = 1;

    private final Instance on;
    private final Constants constants;
    private final double bandwidth;
    private final double halfFlops;
    private final double fp8Flops;
    private final double kernel;
    private final double attentionFlops;
    private final double attentionBandwidth;

    public StepTimeModel(Instance on, Constants constants) {
        this.on = on;
        this.constants = constants;
        var gpu = on.gpu();
        var like = family(gpu, constants);
        bandwidth = gpu.bytesPerSecond() * constants.get(like + ".bw");
        halfFlops = gpu.halfFlops() * constants.get(like + ".flops");
        fp8Flops = gpu.fp8Flops() == 0 ? halfFlops : gpu.fp8Flops() * constants.get(like + ".fp8");
        kernel = constants.get(like + ".kernelUs") * MICRO;
        attentionFlops = gpu.halfFlops() * constants.get(like + ".attention");
        attentionBandwidth = gpu.bytesPerSecond() * constants.get(like + ".attentionBw");
    }

    /** Beginning of the names of the constants that hold for a GPU. */
    static String family(GpuSpec gpu, Constants constants) {
        var like = gpu.consumer() && !gpu.generation().equals("blackwell") ? "consumer" : gpu.generation();
        return constants.has(like + ".bw") ? like : "other";
    }

    public Instance instance() {
        return on;
    }

    public StepTime of(Step step) {
        var card = on.card();
        double tokens = step.tokens();
        double attentionPart = product(card.attentionParameters(), card.attentionBytes(), plainFormat(), tokens, 2);
        double dense = card.denseLayers() == 0
                ? 0
                : product(card.denseFfnParameters(), card.denseFfnBytes(), plainFormat(), tokens, 2);
        double sparse = card.experts() == null ? 0 : experts(card.experts(), tokens);
        double sampled = step.decodes() + (step.prefillTokens() > 0 ? 1 : 0);
        double head = product(card.embeddingParameters(), card.embeddingBytes(), WeightFormat.HALF, sampled, 1);
        double weights = card.layers() * attentionPart + card.denseLayers() * dense + card.moeLayers() * sparse + head;
        double attention = attention(step);
        double communication = communication(tokens, sampled);
        double layers = card.layers() * constants.get("cpu.layerUs") * MICRO;
        double fixed = fixed(step);
        // Stages wait for one another when their micro-batches differ: prompts beside decodes.
        double bubble = step.prefillTokens() > 0 ? constants.get("pp.bubble") : 0;
        double share = 1.0 / on.pp() + (1 - 1.0 / on.pp()) * bubble;
        double stage = (weights - head + attention + communication + layers) * share + head + fixed;
        return new StepTime(weights, attention, communication, layers + fixed, stage);
    }

    private WeightFormat plainFormat() {
        return on.card().onlyExpertsQuantised() ? WeightFormat.HALF : on.card().format();
    }

    /** aiconfigurator gemm.rs: the longer of 2mnk operations and the bytes; both over TP. */
    private double product(long parameters, double bytes, WeightFormat format, double tokens, int kernels) {
        double arithmetic = 2.0 * parameters * tokens / flops(format) / on.tp();
        double memory = bytes / bytesPerSecond(format) / on.tp();
        return Math.max(arithmetic, memory) + kernels * kernel;
    }

    private double flops(WeightFormat format) {
        return switch (format) {
            case FP8, NVFP4 -> fp8Flops;
            case FP8_BLOCK -> fp8Flops * constants.get("fp8block.flops");
            case INT4, MXFP4 -> halfFlops * constants.get("int4.flops");
            case HALF -> halfFlops;
            case FLOAT32 -> halfFlops / 2;
        };
    }

    private double bytesPerSecond(WeightFormat format) {
        return format == WeightFormat.INT4 || format == WeightFormat.MXFP4
                ? bandwidth * constants.get("int4.bw")
                : bandwidth;
    }

    /** inference-sim's expectation for uniform routing: E·(1 − ((E−k)/E)^tokens) experts are read. */
    static double activeExperts(ModelCard.Experts experts, double tokens) {
        double idle = (double) (experts.count() - experts.perToken()) / experts.count();
        return experts.count() * (1 - Math.pow(idle, tokens));
    }

    private double experts(ModelCard.Experts experts, double tokens) {
        var card = on.card();
        double active = activeExperts(experts, tokens);
        double memory = active * card.expertBytes() / bytesPerSecond(card.format()) / constants.get("moe.bw") / on.tp();
        double arithmetic = 2.0
                * tokens
                * experts.perToken()
                * card.expertParameters()
                / flops(card.format())
                / constants.get("moe.flops")
                / on.tp();
        double shared = experts.sharedFfn() == 0
                ? 0
                : product(card.sharedParameters(), card.sharedBytes(), plainFormat(), tokens, 2);
        // Two grouped products, routing, sorting and summing of tokens.
        return Math.max(memory, arithmetic) + shared + 4 * kernel;
    }

    /** aiconfigurator attention.rs: prefill 4·pairs·heads·head_dim operations; decode reads the context once. */
    private double attention(Step step) {
        var card = on.card();
        int headDim = card.headDim();
        var latent = card.latent();
        double width =
                latent == null ? 2.0 * headDim : latent.nopeDim() + latent.ropeDim() + (double) latent.valueDim();
        double full = card.layers() - (double) card.slidingLayers();
        double seen = full + card.slidingLayers() * windowShare(step);
        double prefill = 2 * step.prefillPairs() * card.heads() * width / on.tp() / attentionFlops;
        double decode =
                step.contextTokens() * on.kvNumbersPerGpu() * on.settings().kvBytes() / attentionBandwidth;
        return seen * (prefill + decode) + card.layers() * ATTENTION_KERNELS * kernel;
    }

    private double windowShare(Step step) {
        double context = step.decodes() > 0
                ? step.contextTokens() / step.decodes()
                : step.prefillTokens() == 0 ? 1 : step.prefillPairs() / step.prefillTokens();
        return Math.min(1, on.card().window() / Math.max(1, context));
    }

    private double communication(double tokens, double sampled) {
        double seconds = 0;
        var card = on.card();
        if (on.tp() > 1) {
            seconds += (2.0 * card.layers() + 1) * allReduce(tokens * card.hidden() * 2);
            seconds += allReduce(sampled * card.vocabulary() * 2.0 / on.tp()) / 2;
        }
        if (on.pp() > 1) {
            double bytes = 2 * tokens * card.hidden() * 2;
            double speed = on.link().bytesPerSecond() * (on.link().peerToPeer() ? 0.8 : 0.4);
            seconds += (on.pp() - 1) * (constants.get("pp.handoverUs") * MICRO + bytes / speed);
        }
        return seconds;
    }

    /**
     * t = α + bytes·2(n−1)/n / busBW with the tables' α and bus bandwidth for this link and number of GPUs (ring bound,
     * NCCL's performance notes). Without P2P the data goes through the host's memory.
     */
    double allReduce(double bytes) {
        int n = on.tp() <= 2 ? 2 : on.tp() <= 4 ? 4 : 8;
        Interconnect link = on.link();
        var table = constants.list("ar." + link.kind() + "." + n);
        double start = table[0];
        double bus = table[1] * 1e9;
        if (link.nvlink()) {
            bus *= link.bytesPerSecond() / 450e9;
        } else if (!link.peerToPeer()) {
            start += constants.get("ar.host.startUs") * n / 2;
            bus = link.bytesPerSecond()
                    * constants.get("ar.host.share")
                    / Math.pow(n / 2.0, constants.get("ar.host.loss"));
        }
        double ring = 2.0 * (on.tp() - 1) / on.tp();
        return start * MICRO + bytes * ring / bus;
    }

    /** What the engine does once a step: scheduling, input preparation, sampling, sending tokens. */
    private double fixed(Step step) {
        double prefill =
                step.prefillTokens() > 0 ? on.card().layers() * constants.get("cpu.prefillLayerUs") * MICRO : 0;
        boolean v0 = on.settings().version().v0();
        double once = v0 ? constants.get("cpu.v0StepMs") * 1e-3 : constants.get("cpu.stepUs") * MICRO;
        double each = constants.get(v0 ? "cpu.v0SequenceUs" : "cpu.sequenceUs") * MICRO;
        return once + step.decodes() * each + prefill;
    }
}
