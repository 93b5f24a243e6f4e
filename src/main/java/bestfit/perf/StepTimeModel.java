package bestfit.perf;

import bestfit.hardware.GpuSpec;
import bestfit.model.LayerParameter.Part;
import bestfit.model.ModelCard;
import bestfit.model.WeightFormat;
import org.jspecify.annotations.Nullable;

/**
 * Time of one forward pass: roofline of every matrix product with the efficiencies that operator tables show, attention,
 * collectives, and what the CPU adds. Sources: aiconfigurator's {@code gemm.rs}, {@code attention.rs}, {@code moe.rs} for
 * the operations and bytes; inference-sim's roofline for the expected number of experts; constants see
 * {@link Constants}. Immutable.
 */
public final class StepTimeModel {
    private static final double MICRO = 1e-6;
    private static final int PRODUCTS = 2;

    /** Largest batch that vLLM captures as a CUDA graph; larger ones are launched kernel by kernel. */
    private static final double LARGEST_GRAPH = 512;

    private static final double LARGEST_GRAPH_V0 = 256;

    private final Instance on;
    private final Collectives collectives;
    private final Product attentionPart;
    private final Product dense;
    private final Product shared;
    private final Product head;
    private final double expertBytesTime;
    private final double expertTokenTime;
    private final double expertMovedTime;
    private final double expertBalance;
    private final double expertLayer;
    private final Attention attention;
    private final double kernel;
    private final int kernels;
    private final int afterAttention;
    private final Roofline roof;
    private final double launchLayer;
    private final double pieceLayer;
    private final double plainLayer;
    private final double stepFixed;
    private final double stepEach;
    private final double stageForward;
    private final double stageFixed;
    private final double stageEach;
    private final @Nullable HostReads hostReads;

    public StepTimeModel(Instance on, Constants constants) {
        this.on = on;
        var gpu = on.gpu();
        var card = on.card();
        var like = family(gpu, constants);
        var rates = new Rates(gpu, constants, like);
        kernel = constants.get(like + ".kernelUs") * MICRO;
        roof = new Roofline(constants.get("gemm.knee"));
        var plain = card.attentionFormat();
        // Activations are quantised by blocks in a kernel of their own before each product (vLLM's
        // per_token_group_quant_fp8).
        boolean quantised = !rates.weightOnly(plain);
        kernels = quantised && plain == WeightFormat.FP8_BLOCK ? 2 * PRODUCTS : PRODUCTS;
        // By whole tokens the compiler joins that with the norm or activation before it, of which attention has none.
        afterAttention = quantised && (plain == WeightFormat.FP8 || plain == WeightFormat.NVFP4) ? 1 : 0;
        attentionPart = product(rates, card.attentionParameters(), card.attentionBytes(), plain);
        dense = product(rates, card.denseFfnParameters(), card.denseFfnBytes(), card.denseFormat());
        shared = product(rates, card.sharedParameters(), card.sharedBytes(), card.sharedFormat());
        head = product(rates, card.embeddingParameters(), card.embeddingBytes(), WeightFormat.HALF);
        var experts = card.experts();
        int groups = on.settings().expertGroups();
        expertBytesTime = card.expertBytes() / rates.expertBytes(card.format()) * groups / on.expertGpus();
        expertTokenTime = experts == null
                ? 0
                : 2.0
                        * experts.perToken()
                        * card.expertParameters()
                        / rates.expertFlops(card.format())
                        / on.expertGpus();
        expertMovedTime = experts == null
                ? 0
                : constants.get("moe.moved") * experts.perToken() * card.hidden() * 2.0 / gpu.bytesPerSecond() / groups;
        expertBalance = groups > 1 ? 1 + constants.get("moe.imbalance") * log2(groups) : 1;
        expertLayer = constants.get(like + ".moeUs") * MICRO;
        attention = new Attention(on, constants, like, roof);
        collectives = new Collectives(on, constants);
        var version = on.settings().version();
        launchLayer = constants.get("cpu.launchLayerUs") * MICRO;
        pieceLayer = constants.get("cpu.pieceLayerUs") * MICRO;
        plainLayer = constants.get("cpu.layerUs") * MICRO;
        var kind = version.kind();
        double workers = on.tp() * on.pp() > 1 ? constants.get("cpu." + kind + "WorkersMs") : 0;
        stepFixed = (constants.get("cpu." + kind + "StepMs") + workers) * 1e-3;
        stepEach = constants.get("cpu." + kind + "SequenceUs") * MICRO;
        // A stage's worker launches, samples and hands shapes on over a blocking CPU channel, all on one thread, which
        // a stage
        // that computes for longer hides: Qwen3-8B at PP 2 on H200s, V1, has a period of 3.6, 5.2 and 7.5 ms for 8, 32
        // and 64
        // sequences, of the first three quarters in the forward pass (docs/measurements.md, "Two H200s again").
        boolean threads = on.pp() > 1 && version.vllm() && !version.v0();
        stageForward = threads ? constants.get("cpu.stageLayerUs") * MICRO * card.layers() / on.pp() : 0;
        stageFixed = threads ? constants.get("cpu.stageMs") * 1e-3 : 0;
        stageEach = threads ? constants.get("cpu.stageSequenceUs") * MICRO : 0;
        hostReads = on.settings().offload().none() ? null : new HostReads(on, constants);
    }

    /** Beginning of the names of the constants that hold for a GPU. */
    static String family(GpuSpec gpu, Constants constants) {
        var like = gpu.consumer() && !gpu.generation().equals("blackwell") ? "consumer" : gpu.generation();
        return constants.has(like + ".bw") ? like : "other";
    }

    public Instance instance() {
        return on;
    }

    /** Speeds that a GPU reaches with a weight format. */
    private record Rates(GpuSpec gpu, Constants constants, String like) {
        double flops(WeightFormat format) {
            double half = gpu.halfFlops() * constants.get(like + ".flops");
            if (weightOnly(format)) {
                return half * constants.get("int4.flops");
            }
            double fp8 = half / gpu.halfFlops() * gpu.fp8Flops() * constants.get(like + ".fp8");
            return switch (format) {
                case FP8, NVFP4 -> fp8;
                case FP8_BLOCK ->
                    blockKernel()
                            ? fp8 * constants.get("fp8block.flops")
                            : gpu.fp8Flops() * constants.get("fp8block.triton");
                case INT4, INT4_BY_32 -> half * constants.get("int4.flops");
                case MXFP4 -> half * constants.get("mxfp4.flops");
                case HALF -> half;
                case FLOAT32 -> half / 2;
            };
        }

        /** Data-centre GPUs have kernels for weights scaled by blocks (CUTLASS, DeepGEMM); elsewhere it is vLLM's in Triton. */
        private boolean blockKernel() {
            return gpu.generation().equals("hopper") || gpu.generation().equals("blackwell-dc");
        }

        /** Where tensor cores lack eight bits, weights are unpacked to 16 beside the products (vLLM's Marlin kernels). */
        boolean weightOnly(WeightFormat format) {
            boolean eight = format == WeightFormat.FP8 || format == WeightFormat.FP8_BLOCK;
            return gpu.fp8Flops() == 0 && (eight || format == WeightFormat.NVFP4);
        }

        /** Grouped products over experts reach less, and a share of their own. */
        double expertFlops(WeightFormat format) {
            return switch (format) {
                case FP8, FP8_BLOCK -> expertFp8Flops(constants.get(like + ".moeFp8"));
                case NVFP4 -> expertFp8Flops(constants.get("moe.nvfp4"));
                case INT4, INT4_BY_32 -> gpu.halfFlops() * constants.get(like + ".moeInt4");
                case MXFP4 -> gpu.halfFlops() * constants.get(like + ".moeInt4") * constants.get("moe.mxfp4");
                case HALF, FLOAT32 -> gpu.halfFlops() * constants.get("moe.half");
            };
        }

        private double expertFp8Flops(double share) {
            return gpu.fp8Flops() == 0 ? gpu.halfFlops() * constants.get("moe.half") : gpu.fp8Flops() * share;
        }

        /** Kernels that unpack four bits to 16 draw less of a fast memory. */
        double expertBytes(WeightFormat format) {
            boolean unpacked = format.kindOf(WeightFormat.INT4) || format == WeightFormat.MXFP4;
            return gpu.bytesPerSecond() * constants.get(unpacked ? like + ".moeInt4Bw" : "moe.bw");
        }

        double bytes(WeightFormat format) {
            double bandwidth = gpu.bytesPerSecond() * constants.get(like + ".bw");
            return switch (format) {
                case INT4, INT4_BY_32, MXFP4 -> bandwidth * constants.get("int4.bw");
                case FP8, FP8_BLOCK, NVFP4 -> bandwidth * constants.get("fp8.bw");
                case HALF, FLOAT32 -> bandwidth;
            };
        }
    }

    /** Matrix products over the same tokens: seconds for the weights' bytes, and for each token's arithmetic. */
    private record Product(double memory, double perToken) {}

    /** aiconfigurator gemm.rs: 2mnk operations against the bytes of the weights; both over TP. */
    private Product product(Rates rates, long parameters, double bytes, WeightFormat format) {
        return new Product(bytes / rates.bytes(format) / on.tp(), 2.0 * parameters / rates.flops(format) / on.tp());
    }

    private double time(Product of, double tokens) {
        return roof.seconds(of.memory(), of.perToken() * tokens);
    }

    public StepTime of(Step step) {
        return of(step, 0);
    }

    /** @param ahead seconds of the step's launch that passed while the GPUs computed the step before */
    StepTime of(Step step, double ahead) {
        var card = on.card();
        double tokens = Math.max(1, step.tokens());
        double sampled = step.decodes() + (step.prefillTokens() > 0 ? 1 : 0);
        double layers = card.layers() * (time(attentionPart, tokens) + (kernels + afterAttention) * kernel);
        if (card.denseLayers() > 0) {
            layers += card.denseLayers() * (time(dense, tokens) + kernels * kernel);
        }
        if (card.experts() != null) {
            layers += card.moeLayers() * experts(card.experts(), tokens);
        }
        double out = time(head, sampled) + kernel;
        double attended = attention.seconds(step);
        double plain = card.layers() * plainLayer;
        boolean graph = captured(step) && step.prefillTokens() == 0;
        double communication = collectives.seconds(tokens, sampled, graph);
        double host = hostReads == null ? 0 : hostReads.seconds(this, tokens, layers + attended);
        double gpu = layers + attended + communication + plain + host;
        double launch = launchSeconds(step) - ahead;
        // A CPU that runs ahead keeps the GPU's queue filled; else kernels wait for it here and there.
        double launched = ahead > 0 ? Math.max(gpu, launch) : roof.seconds(gpu, Math.max(0, launch));
        double fixed = stepFixed + step.decodes() * stepEach;
        double sampling = step.decodes() * stageEach;
        double hosts = on.pp() * (stageForward + stageFixed) + sampling;
        return new StepTime(
                layers + out,
                attended,
                communication,
                Math.max(plain + launched - gpu + fixed, hosts - layers - out - attended - communication - host),
                host,
                Math.max(launched / on.pp() + out + fixed, stageForward + stageFixed + sampling));
    }

    private boolean captured(Step step) {
        boolean v0 = on.settings().version().v0();
        return !on.settings().eager() && Math.max(1, step.tokens()) <= (v0 ? LARGEST_GRAPH_V0 : LARGEST_GRAPH);
    }

    /**
     * What the CPU needs to launch a step. Without a CUDA graph the kernels of a layer start no faster than the CPU launches
     * them; V1 has graphs of the pieces between attentions for small batches, those without prompts included until 0.11
     * captured them whole.
     */
    double launchSeconds(Step step) {
        var version = on.settings().version();
        boolean captured = captured(step);
        if (!version.vllm() || (captured && step.prefillTokens() == 0 && (version.v0() || version.minor() >= 11))) {
            return 0;
        }
        return on.card().layers() * (captured && !version.v0() ? pieceLayer : launchLayer);
    }

    /** inference-sim's expectation for uniform routing: E·(1 − ((E−k)/E)^tokens) experts are read. */
    static double activeExperts(ModelCard.Experts experts, double tokens) {
        double idle = (double) (experts.count() - experts.perToken()) / experts.count();
        return experts.count() * (1 - Math.pow(idle, tokens));
    }

    /**
     * Experts of the group that most are active in: the greatest of as many sums of random yes and no as there are groups, by
     * the normal distribution's expected greatest value (Tippett 1925: 0.56, 1.03, 1.42, 1.77 deviations of 2, 4, 8, 16).
     */
    static double activeExperts(ModelCard.Experts experts, double tokens, int groups) {
        double of = (double) experts.count() / groups;
        double active = activeExperts(experts, tokens) / experts.count();
        double deviations = 0.564 * Math.pow(log2(groups), 0.83);
        double most = of * active + (groups == 1 ? 0 : deviations * Math.sqrt(of * active * (1 - active)));
        return Math.min(most, Math.min(of, tokens * experts.perToken()));
    }

    private static double log2(int value) {
        return Math.log(value) / Math.log(2);
    }

    /** Every rank of data parallelism brings as many tokens. */
    private double experts(ModelCard.Experts experts, double ofRank) {
        double tokens = ofRank * on.settings().dataParallel();
        double routed = routed(experts, tokens, expertBytesTime) + tokens * expertMovedTime;
        double always = experts.sharedFfn() == 0 ? 0 : time(shared, ofRank) + PRODUCTS * kernel;
        // Two grouped products, routing, sorting and summing of tokens.
        return routed + always + expertLayer;
    }

    private double routed(ModelCard.Experts experts, double tokens, double bytesTime) {
        double memory = activeExperts(experts, tokens, on.settings().expertGroups()) * bytesTime;
        return roof.seconds(memory, tokens * expertTokenTime * expertBalance);
    }

    /** Seconds of a part's products in one layer if all of its weights took so many times as long to read as from the GPU's memory. */
    double products(Part part, double tokens, double slower) {
        return switch (part) {
            case ATTENTION -> slowed(attentionPart, tokens, slower);
            case DENSE -> slowed(dense, tokens, slower);
            case SHARED -> slowed(shared, tokens, slower);
            case EXPERTS -> {
                var experts = on.card().experts();
                double all = tokens * on.settings().dataParallel();
                yield experts == null ? 0 : routed(experts, all, expertBytesTime * slower);
            }
        };
    }

    private double slowed(Product of, double tokens, double slower) {
        return roof.seconds(of.memory() * slower, of.perToken() * tokens);
    }

    /** Seconds in which a GPU reads a part's weights of one layer from its own memory. */
    double readSeconds(Part part) {
        return switch (part) {
            case ATTENTION -> attentionPart.memory();
            case DENSE -> dense.memory();
            case SHARED -> shared.memory();
            case EXPERTS -> {
                var experts = on.card().experts();
                yield experts == null
                        ? 0
                        : expertBytesTime * experts.count() / on.settings().expertGroups();
            }
        };
    }

    /** Seconds of one layer's experts for so many tokens. */
    double expertSeconds(double tokens) {
        var of = on.card().experts();
        return of == null ? 0 : experts(of, tokens);
    }

    /** Seconds of one all-reduce of a step that runs as a CUDA graph. */
    double allReduce(double bytes) {
        return collectives.allReduce(bytes, true);
    }
}
