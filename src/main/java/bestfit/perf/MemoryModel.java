package bestfit.perf;

import bestfit.model.ModelCard;
import bestfit.model.ModelSizes;
import java.util.Locale;

/**
 * Where a GPU's memory goes, by vLLM's rule (v1/worker/gpu_worker.py, determine_available_memory): KV = utilization ×
 * total − weights − peak activation − non-torch. The figures that vLLM measures at start-up are predicted here:
 *
 * <ul>
 *   <li>Peak activation: 8 bytes × sequences × vocabulary (the sampler's two FP32 copies of the logits) + 4 bytes × tokens
 *       × hidden, or the feed-forward part's intermediates if larger. Matches the three starts measured on an H100 (vLLM
 *       0.23.0: 1.29, 1.19, 1.32 GiB) within 0.04 GiB.
 *   <li>Non-torch: 0.22 GiB, as those starts logged; GeForce 0.87 GiB since 0.12, from the published start of Llama-3.1-8B on
 *       an RTX 4090 (LLMServingSim, vLLM 0.19: 41,408 KV tokens). Under 0.11 RTX 4090s kept more for KV than that leaves: by
 *       Little's law on the requests they decoded at once (cloudrift server-benchmark), about as much as an H100.
 *   <li>NCCL: 0.4 GiB with more than one GPU (aiconfigurator: 342 to 392 MB) until 0.10, whose baseline is taken before its
 *       buffers are; 0.1 since.
 *   <li>Weights, activation and non-torch memory are multiplied by the constants {@code memory.*}, which start-up logs of a
 *       server move; their doubts make the interval.
 *   <li>Weights in host memory ({@link HostWeights}) take none here but for copies: in V0 a layer's beside its activations, under the
 *       prefetch backend a layer's for each that is fetched ahead, for good.
 *   <li>A pipeline's KV space is that of its tightest stage; the layers that are left over go to the middle stages (vLLM's
 *       get_pp_indices).
 * </ul>
 */
public final class MemoryModel {
    private static final double GIB = 1L << 30;
    private static final double NON_TORCH = 0.22 * GIB;
    private static final double NON_TORCH_CONSUMER = 0.87 * GIB;
    private static final double NCCL = 0.4 * GIB;
    private static final double NCCL_AFTER_BASELINE = 0.1 * GIB;

    /** Half width of a 90 % interval in standard deviations. */
    private static final double NINETY = 1.645;

    private static final int BLOCK = 16;

    private MemoryModel() {}

    /** Whether an instance starts. */
    public enum Verdict {
        YES("yes"),
        CLOSE("close"),
        NO("no");

        private final String label;

        Verdict(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }
    }

    /**
     * Bytes of one GPU of the fullest stage.
     *
     * @param weights on the GPU, without those in host memory
     * @param host weights that it reads from host memory
     * @param kvTokens of the whole instance, whole blocks
     * @param missing bytes that the context does not find; below 0 where it fits
     * @param longestThatFits greatest {@code --max-model-len} with one request; 0 if not even weights fit
     */
    public record Memory(
            double total,
            double weights,
            double host,
            double activation,
            double nonTorch,
            double kvBytesPerToken,
            double missing,
            Estimate kvTokens,
            int longestThatFits,
            Verdict verdict,
            String reason) {}

    public static Memory of(Instance on) {
        return of(on, Constants.shipped());
    }

    /** The same by what start-up logs of a server taught. */
    public static Memory of(Instance on, Constants constants) {
        var settings = on.settings();
        double total = on.gpu().memoryBytes();
        var besides = on.gpu().consumer() ? "memory.nonTorchConsumer" : "memory.nonTorch";
        double heavier = constants.get("memory.weights");
        double activation = activation(on) * constants.get("memory.activation");
        double nonTorch = nonTorch(on) * constants.get(besides);
        double unsure = activation * constants.doubt("memory.activation") + nonTorch * constants.doubt(besides);
        double perLayer = kvBytesPerLayer(on, settings.maxModelLen());
        double weights = weights(on) * heavier;
        double host = 0;
        int first = 0;
        double perToken = perLayer * on.stageLayers();
        var tokens = new Estimate(Double.MAX_VALUE, Double.MAX_VALUE, Double.MAX_VALUE);
        var layers = ModelSizes.stageLayers(on.card().layers(), on.pp());
        for (int stage = 0; stage < layers.length; stage++) {
            double offloaded = offloaded(on, first, layers[stage]);
            first += layers[stage];
            double stageWeights =
                    heavier * (weights(on, layers[stage], stage == 0, stage == layers.length - 1) - offloaded);
            double space = total * settings.utilization() - stageWeights - activation - nonTorch;
            double off = NINETY * (unsure + stageWeights * constants.doubt("memory.weights"));
            double each = perLayer * layers[stage];
            var found = kvTokens(settings, space, off, each);
            if (found.value() < tokens.value()) {
                tokens = found;
                weights = stageWeights;
                host = heavier * offloaded;
                perToken = each;
            }
        }
        int needed = settings.maxModelLen();
        double rest = activation + nonTorch;
        double missing = weights + rest + perToken * needed - total * settings.utilization();
        double over = Double.NEGATIVE_INFINITY;
        if (settings.tellsKvSpace()) {
            over = weights + rest + perToken * tokens.value() - total;
            missing = Math.max(over, perToken * (needed - tokens.value()));
        }
        double off = NINETY * (unsure + weights * constants.doubt("memory.weights"));
        var verdict = tokens.high() < needed || over > off
                ? Verdict.NO
                : tokens.low() >= needed && over <= -off ? Verdict.YES : Verdict.CLOSE;
        return new Memory(
                total,
                weights,
                host,
                activation,
                nonTorch,
                perToken,
                missing,
                tokens,
                (int) Math.max(0, Math.min(tokens.low(), on.card().maxPositions())),
                verdict,
                reason(on, verdict, weights, host, rest, perToken, missing, tokens));
    }

    private static Estimate kvTokens(EngineSettings settings, double space, double off, double perToken) {
        if (settings.kvTokens().isPresent()) {
            return Estimate.exactly((double) settings.kvTokens().getAsLong());
        }
        return settings.kvSpaceBytes().isPresent()
                ? Estimate.exactly(blocks((double) settings.kvSpaceBytes().getAsLong(), perToken))
                : new Estimate(blocks(space, perToken), blocks(space - off, perToken), blocks(space + off, perToken));
    }

    private static double blocks(double bytes, double perToken) {
        return Math.max(0, Math.floor(bytes / perToken / BLOCK) * BLOCK);
    }

    private static String reason(
            Instance on,
            Verdict verdict,
            double weights,
            double host,
            double rest,
            double perToken,
            double missing,
            Estimate tokens) {
        boolean told = on.settings().tellsKvSpace();
        long kvTokens = told ? (long) tokens.value() : on.settings().maxModelLen();
        var shares = String.format(
                Locale.ROOT,
                "a GPU %s %.1f GiB: weights %.1f%s, activations and the rest %.1f, KV cache for %d tokens %.1f",
                told ? "has" : "may use",
                on.gpu().memoryBytes() * (told ? 1 : on.settings().utilization()) / GIB,
                weights / GIB,
                host == 0 ? "" : String.format(Locale.ROOT, " (%.1f more in host memory)", host / GIB),
                rest / GIB,
                kvTokens,
                perToken * kvTokens / GIB);
        if (told && kvTokens < on.settings().maxModelLen()) {
            return shares + "; too few for a context of " + on.settings().maxModelLen() + shorter(on, tokens);
        }
        return switch (verdict) {
            case YES -> shares;
            case CLOSE -> shares + "; too close to call" + shorter(on, tokens);
            case NO -> String.format(Locale.ROOT, "%s; %.1f GiB too much", shares, missing / GIB) + shorter(on, tokens);
        };
    }

    private static String shorter(Instance on, Estimate tokens) {
        if (tokens.low() >= on.settings().maxModelLen()) {
            return "; fewer bytes or blocks would fit";
        }
        return tokens.low() >= BLOCK
                ? String.format(Locale.ROOT, "; --max-model-len %.0f would fit", tokens.low())
                : "; the weights alone leave no room";
    }

    private static double nonTorch(Instance on) {
        var version = on.settings().version();
        double alone = on.gpu().consumer() && version.minor() >= 12 ? NON_TORCH_CONSUMER : NON_TORCH;
        double links = version.minor() < 11 ? NCCL : NCCL_AFTER_BASELINE;
        return alone + (on.tp() * on.pp() > 1 ? links : 0);
    }

    /** Of the fullest stage; every matrix is cut by TP, experts by data parallelism too, embedding and output matrix by vocabulary. */
    public static double weights(Instance on) {
        var layers = ModelSizes.stageLayers(on.card().layers(), on.pp());
        double fullest = 0;
        for (int stage = 0; stage < layers.length; stage++) {
            fullest = Math.max(fullest, weights(on, layers[stage], stage == 0, stage == layers.length - 1));
        }
        return fullest;
    }

    private static double weights(Instance on, int layers, boolean first, boolean last) {
        ModelCard card = on.card();
        double dense = (double) card.denseLayers() / card.layers();
        double layer = card.attentionBytes() + dense * card.denseFfnBytes();
        double routed = 0;
        var experts = card.experts();
        if (experts != null) {
            layer += (1 - dense) * card.sharedBytes();
            routed = (1 - dense) * experts.count() * card.expertBytes();
        }
        int ends = (first ? 1 : 0) + (last && !(first && card.tied()) ? 1 : 0);
        double tower = first ? 2.0 * card.towerParameters() : 0;
        return (layers * layer + ends * card.embeddingBytes() + tower) / on.tp() + layers * routed / on.expertGpus();
    }

    /** Bytes that a GPU of a stage is spared; no more than its layers weigh, whose kinds are spread evenly over stages here. */
    private static double offloaded(Instance on, int first, int layers) {
        var host = HostWeights.of(on, first, layers);
        return Math.min(host.bytes(), weights(on, layers, false, false));
    }

    private static double activation(Instance on) {
        var card = on.card();
        double tokens = on.settings().maxBatchedTokens();
        double logits = 8.0 * on.settings().maxSequences() * card.vocabulary() + 4.0 * tokens * card.hidden();
        var experts = card.experts();
        double width = experts == null
                ? card.ffn()
                : Math.max(card.denseLayers() > 0 ? card.ffn() : 0, (double) experts.ffn() * experts.perToken());
        double layer = 2.0 * tokens * (3.0 * width / on.tp() + 2.0 * card.hidden());
        double copies = on.settings().offload().none() ? 0 : HostWeights.of(on).copies(on);
        return on.settings().offload().prefetches()
                ? Math.max(logits, layer) + copies
                : Math.max(logits, layer + copies);
    }

    /**
     * On one GPU. A layer with a sliding window keeps no more than the window of each request (vLLM's hybrid KV cache,
     * 0.10 and later; before it kept all).
     */
    public static double kvBytesPerToken(Instance on, int context) {
        return on.stageLayers() * kvBytesPerLayer(on, context);
    }

    private static double kvBytesPerLayer(Instance on, int context) {
        double layer = on.kvNumbersPerGpu() * on.settings().kvBytes();
        var card = on.card();
        double share = card.layers() == 0 ? 0 : (double) card.slidingLayers() / card.layers();
        boolean hybrid = card.window() > 0 && on.settings().version().minor() >= 10;
        double kept = hybrid ? Math.min(1, (double) card.window() / Math.max(1, context)) : 1;
        return layer * (1 - share + share * kept);
    }
}
