package bestfit.tune;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.hardware.GpuSpec;
import bestfit.hardware.Gpus;
import bestfit.model.EmbeddedSizes;
import bestfit.model.ModelSizes;
import bestfit.perf.EngineSettings;
import bestfit.perf.EngineVersion;
import bestfit.perf.Instance;
import bestfit.perf.MemoryModel;
import bestfit.perf.WeightOffload;
import java.util.Locale;
import java.util.Optional;

/**
 * What a config needs of each device before the first request: the weights of the fullest stage, a forward pass's
 * activations where they are known, and the KV cache of one longest request. Bytes, and tokens.
 */
record MemoryNeed(long weights, long activations, long kvCache, int longest, long usable) {
    /** vLLM's default share of a GPU's memory, until 0.10. */
    private static final double UTILIZATION = 0.9;

    /**
     * Why a config cannot start; empty if it may. GPUs that are known are judged by the performance model, which leaves out
     * only what fails at the best guess of everything unsure.
     */
    static Optional<String> whyNot(SearchSpace.Query query, Candidate candidate) {
        var card = query.model().card();
        var device = query.inventory().devices().getFirst();
        var gpu = query.embedded() ? Optional.<GpuSpec>empty() : Gpus.find(device.name());
        if (card == null || gpu.isEmpty()) {
            return of(query, candidate).tooBig();
        }
        var args = candidate.config().args();
        var settings = EngineSettings.of(card, gpu.get(), EngineVersion.DEFAULT, args);
        var layout = candidate.layout();
        var memory =
                MemoryModel.of(new Instance(card, settings, gpu.get(), gpu.get().link(), layout.tp(), layout.pp()));
        return memory.verdict() == MemoryModel.Verdict.NO ? Optional.of(memory.reason()) : Optional.empty();
    }

    private static MemoryNeed of(SearchSpace.Query query, Candidate candidate) {
        var args = candidate.config().args();
        int longest =
                args.intValue("--max-model-len").orElse(query.model().spec().maxPositions());
        return query.embedded() ? embedded(query, candidate, longest) : gpu(query, candidate, longest);
    }

    /** Exactly what the engine itself demands at its start. */
    private static MemoryNeed embedded(SearchSpace.Query query, Candidate candidate, int longest) {
        var spec = query.model().spec();
        var args = candidate.config().args();
        int tp = candidate.layout().tp();
        int pp = candidate.layout().pp();
        int sequences = args.intValue("--max-num-seqs").orElse(EmbeddedSizes.SEQUENCES);
        int tokens = args.intValue("--max-num-batched-tokens")
                .orElse((int) Math.min(EmbeddedSizes.BATCHED_TOKENS, (long) sequences * longest));
        int block = args.intValue("--block-size").orElse(EmbeddedSizes.BLOCK_TOKENS);
        // One block more than the tokens fill: the scheduler keeps one as its null block.
        long blocks = Math.ceilDiv(longest, block) + 1L;
        return new MemoryNeed(
                EmbeddedSizes.weightBytes(spec, tp, pp),
                EmbeddedSizes.activationBytes(spec, tp, tokens, Math.min(sequences, tokens)),
                blocks * block * EmbeddedSizes.kvBytesPerToken(spec, tp, pp),
                longest,
                usable(query, args, EmbeddedSizes.UTILIZATION));
    }

    private static MemoryNeed gpu(SearchSpace.Query query, Candidate candidate, int longest) {
        var model = query.model();
        int tp = candidate.layout().tp();
        int pp = candidate.layout().pp();
        var problems = new Problems();
        var offload = WeightOffload.of(candidate.config().args(), EngineVersion.DEFAULT, problems);
        problems.throwIfAny();
        long weights = ModelSizes.weightBytesPerDevice(model.spec(), model.dtype(), tp, pp);
        return new MemoryNeed(
                weights - offload.atMost(weights),
                0,
                longest * ModelSizes.kvBytesPerTokenPerDevice(model.spec(), model.dtype(), tp, pp),
                longest,
                usable(query, candidate.config().args(), UTILIZATION));
    }

    private static long usable(SearchSpace.Query query, VllmArgs args, double unlessTold) {
        double share =
                args.value("--gpu-memory-utilization").map(MemoryNeed::share).orElse(unlessTold);
        return (long) (query.inventory().deviceMemoryBytes() * share);
    }

    private static double share(String text) {
        try {
            double share = Double.parseDouble(text);
            if (share > 0 && share <= 1) {
                return share;
            }
        } catch (NumberFormatException e) {
            // refused below with every other value out of range
        }
        throw new ConfigException("--args: --gpu-memory-utilization " + text + " must be above 0 and at most 1");
    }

    /** Why it does not fit; empty if it does. */
    Optional<String> tooBig() {
        if (weights + activations + kvCache <= usable) {
            return Optional.empty();
        }
        return Optional.of("a device needs " + bytes(weights) + " of weights"
                + (activations == 0 ? "" : ", " + bytes(activations) + " of activations") + " and " + bytes(kvCache)
                + " of KV cache for " + longest + " tokens; it has " + bytes(usable));
    }

    private static String bytes(long bytes) {
        return bytes >= 1e9
                ? String.format(Locale.ROOT, "%.1f GB", bytes / 1e9)
                : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
