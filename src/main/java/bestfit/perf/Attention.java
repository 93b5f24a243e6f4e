package bestfit.perf;

import bestfit.model.ModelCard;
import java.util.Set;

/**
 * Time of a step's attention. Prompts: aiconfigurator attention.rs, 4·pairs·heads·head_dim operations. Decodes read the
 * context once, but not everywhere. Immutable.
 */
final class Attention {
    private static final double MICRO = 1e-6;

    /** GPUs for which vLLM calls FlashAttention 2 (fa_utils.get_flash_attn_version; data-centre Blackwells have FlashInfer). */
    private static final Set<String> FLASH_2 = Set.of("ampere", "ada", "blackwell");

    /** Query rows and half the columns of a tile of FlashAttention 2 over pages (run_mha_fwd_splitkv_dispatch). */
    private static final double ROWS = 64;

    private static final double HALF_COLUMNS = 64;

    /** Within 0.03 the root of h = exp(-(1 - h)·sizes), the share of hits of cyclic reads under random replacement. */
    private static final double FORGETS = 1.8;

    private final ModelCard card;
    private final Roofline roof;
    private final double kernel;
    private final double prefillPair;
    private final double contextToken;
    private final double kvHeads;
    private final double blockShare;
    private final boolean together;
    private final double multiprocessors;
    private final double sharedBy;
    private final double headBytes;
    private final double cacheBytes;
    private final double tiledToken;

    Attention(Instance on, Constants constants, String like, Roofline roof) {
        this.roof = roof;
        card = on.card();
        var gpu = on.gpu();
        var settings = on.settings();
        var version = settings.version();
        kernel = constants.get(like + ".attentionUs") * MICRO;
        double flops = gpu.halfFlops() * constants.get(like + ".attention");
        double bandwidth = gpu.bytesPerSecond() * constants.get(like + ".attentionBw");
        prefillPair = 2 * card.heads() * width(card) / on.tp() / flops;
        contextToken = on.kvNumbersPerGpu() * settings.kvBytes() / bandwidth;
        kvHeads = Math.max(1, card.kvHeads() / on.tp());
        multiprocessors = gpu.multiprocessors();
        blockShare = version.v0() ? constants.get("attention.v0Block") / multiprocessors : 1;
        together = version.vllm()
                && !version.v0()
                && FLASH_2.contains(gpu.generation())
                && card.latent() == null
                && settings.kvBytes() == 2;
        double heads = Math.max(1, (double) card.heads() / on.tp());
        sharedBy = heads / kvHeads;
        headBytes = 2.0 * card.headDim() * settings.kvBytes();
        cacheBytes = gpu.cacheBytes();
        tiledToken =
                together ? 4 * ROWS * card.headDim() * heads / (gpu.halfFlops() * constants.get("attention.tile")) : 0;
    }

    private static double width(ModelCard card) {
        var latent = card.latent();
        return latent == null ? 2.0 * card.headDim() : latent.nopeDim() + latent.ropeDim() + (double) latent.valueDim();
    }

    double seconds(Step step) {
        double full = card.layers() - (double) card.slidingLayers();
        double share = card.slidingLayers() == 0 ? 0 : windowShare(step);
        double prompts = (full + card.slidingLayers() * share) * step.prefillPairs() * prefillPair;
        return prompts
                + full * decodes(step, step.contextTokens())
                + card.slidingLayers() * decodes(step, step.contextTokens() * share)
                + card.layers() * kernel;
    }

    /**
     * FlashAttention 2 gives each head's queries of a request to one block; only where no request has more than one query, in
     * a step of decodes alone, it takes the heads that share keys for rows of one (mha_varlen_fwd: seqlenq_ngroups_swapped).
     * Beside a prompt, V1 having one call for all, a decode thus costs a tile of 64 rows for each head, and each of the heads
     * reads the keys again that the cache forgot since the head before: blocks run head after head, of all requests.
     * LLMServingSim's RTX 4090, 240 such mixes: 2.2 times, up to 4, what the same decodes take alone.
     */
    private double decodes(Step step, double contextTokens) {
        double memory = contextTokens * contextToken;
        if (!together || step.prefillTokens() == 0 || step.decodes() == 0) {
            return memory / occupancy(step);
        }
        double atOnce = Math.clamp(multiprocessors / step.decodes(), 1, sharedBy);
        double reads = 1 + (sharedBy / atOnce - 1) * forgotten(contextTokens * headBytes / cacheBytes);
        return roof.seconds(memory * reads, (contextTokens + step.decodes() * HALF_COLUMNS) * tiledToken);
    }

    /** Share of what is read in turns that a cache with random replacement no longer has, of so many times its size. */
    private static double forgotten(double sizes) {
        return sizes <= 1 ? 0 : 1 - Math.exp(FORGETS * (1 - sizes));
    }

    /**
     * V0's decode attention gives a request's KV head to one thread block, whatever the context's length (the paged kernels
     * of FlashAttention 2 as vLLM 0.8 calls them do not split it, Flash-Decoding does): few requests leave most of a GPU idle.
     */
    private double occupancy(Step step) {
        return Math.clamp(step.decodes() * kvHeads * blockShare, Math.min(1, blockShare), 1);
    }

    private double windowShare(Step step) {
        double context = step.decodes() > 0
                ? step.contextTokens() / step.decodes()
                : step.prefillTokens() == 0 ? 1 : step.prefillPairs() / step.prefillTokens();
        return Math.min(1, card.window() / Math.max(1, context));
    }
}
