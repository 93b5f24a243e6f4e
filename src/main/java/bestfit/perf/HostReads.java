package bestfit.perf;

import bestfit.model.LayerParameter;
import bestfit.model.LayerParameter.Part;
import java.util.EnumMap;
import java.util.Map;

/**
 * Time that a step waits for weights in host memory. CUDA graphs stay as they are: they hold the copies, or kernels that read
 * through addresses of the host's. By the engine:
 *
 * <ul>
 *   <li>V1 (since 0.8.3) reads them in place: a product's weights come at the host's speed, a roofline as any other, of experts
 *       only the active ones, and again for every {@link #TILE} tokens, since the GPU's cache holds nothing of the host's memory.
 *       Measured: Qwen2-7B with all layers offloaded on an RTX 4090 makes 1.65 tokens/s (r/Vllm, November 2025), 13.05 GB in 0.6 s,
 *       which is 0.68 of what PCIe 4 with 16 lanes promises; on an H200 0.79 of PCIe 5 (docs/measurements.md, 2026-11-30).
 *   <li>V0 copies each layer before it computes it, all experts included, on the same stream: nothing overlaps.
 *   <li>The prefetch backend (0.17 or before) copies while other layers are computed: of each group what the layers between leave
 *       uncovered, and in full those for which no buffer is free.
 * </ul>
 *
 * Each GPU has its way to the host for itself; what GPUs behind one switch take from one another is not known here.
 */
final class HostReads {
    /** Tokens of one tile of a large product: cuBLAS on an H200, by its times with weights in host memory; smaller products have smaller ones. */
    private static final int TILE = 256;

    private final HostWeights host;
    private final WeightOffload wanted;
    private final boolean copied;
    private final double copySeconds;
    private final int modelLayers;
    /** Tokens that an expert gets of each token of the step, in the mean. */
    private final double perExpert;

    /** Layers' worth of each part, all stages together, and how much longer than on the GPU its weights take to read. */
    private record Slowed(double layers, double hostSeconds) {}

    private final Map<Part, Slowed> inPlace = new EnumMap<>(Part.class);

    HostReads(Instance on, Constants constants) {
        host = HostWeights.of(on);
        wanted = on.settings().offload();
        modelLayers = on.card().layers();
        var experts = on.card().experts();
        perExpert = experts == null ? 0 : (double) on.settings().dataParallel() * experts.perToken() / experts.count();
        double link = on.link().hostBytesPerSecond();
        copied = wanted.prefetches() || on.settings().version().v0();
        copySeconds = copied ? host.bytes() / (link * constants.get("host.copy")) : 0;
        if (!copied) {
            double speed = link * constants.get("host.read");
            var bytes = new EnumMap<Part, Double>(Part.class);
            for (boolean dense : new boolean[] {true, false}) {
                var layer = new EnumMap<Part, Double>(Part.class);
                for (var each : LayerParameter.of(on.card(), dense)) {
                    layer.merge(each.of(), each.bytes(), Double::sum);
                }
                bytes.putAll(layer);
            }
            bytes.forEach((part, whole) -> {
                double ofGpu = whole / (part == Part.EXPERTS ? on.expertGpus() : on.tp());
                if (host.bytes(part) > 0) {
                    inPlace.put(part, new Slowed(host.bytes(part) / ofGpu, ofGpu / speed));
                }
            });
        }
    }

    /** @param computed seconds of the layers and their attention with weights of the GPU's own */
    double seconds(StepTimeModel model, double tokens, double computed) {
        if (copied) {
            return wanted.prefetches() ? uncovered(computed) : copySeconds;
        }
        double seconds = 0;
        for (var each : inPlace.entrySet()) {
            var part = each.getKey();
            double rows = part == Part.EXPERTS ? tokens * perExpert : tokens;
            double readings = Math.max(1, Math.ceil(rows / TILE));
            double slower = readings * each.getValue().hostSeconds() / model.readSeconds(part);
            double longer = model.products(part, tokens, slower) - model.products(part, tokens, 1);
            seconds += each.getValue().layers() * Math.max(0, longer);
        }
        return seconds;
    }

    private double uncovered(double computed) {
        if (host.layers() == 0) {
            return 0;
        }
        double copy = copySeconds / host.layers();
        double groups = (double) host.layers() / wanted.inGroup();
        double between = computed * (modelLayers - host.layers()) / modelLayers / groups;
        int ahead = Math.min(wanted.ahead(), wanted.inGroup());
        return groups * (Math.max(0, ahead * copy - between) + (wanted.inGroup() - ahead) * copy);
    }
}
