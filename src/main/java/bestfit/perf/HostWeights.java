package bestfit.perf;

import bestfit.model.LayerParameter;
import bestfit.model.LayerParameter.Part;
import bestfit.model.ModelSizes;
import java.util.EnumMap;
import java.util.Map;

/**
 * Weights that each GPU of a pipeline's stage, or of them all, leaves in host memory, by vLLM's {@code maybe_offload_to_cpu}
 * (models/utils.py), which model_executor/offloader/uva.py and prefetch.py replace in 0.17 or before. They see what
 * {@code make_layers} makes, so decoder layers only (in 0.29 and later towers too, which decode steps do not read and which are left
 * out here).
 *
 * @param of bytes of each part
 * @param layers with anything offloaded
 * @param largest bytes of the layer with most
 */
record HostWeights(Map<Part, Double> of, int layers, double largest) {
    static final HostWeights NONE = new HostWeights(Map.of(), 0, 0);

    HostWeights {
        of = Map.copyOf(of);
    }

    /** Of all stages together: one GPU of each. */
    static HostWeights of(Instance on) {
        var all = NONE;
        int first = 0;
        for (int layers : ModelSizes.stageLayers(on.card().layers(), on.pp())) {
            all = all.plus(of(on, first, layers));
            first += layers;
        }
        return all;
    }

    /** Of a stage with these layers; those without experts are the model's first. */
    static HostWeights of(Instance on, int first, int layers) {
        var wanted = on.settings().offload();
        if (wanted.none()) {
            return NONE;
        }
        var card = on.card();
        var of = new EnumMap<Part, Double>(Part.class);
        int touched = 0;
        double largest = 0;
        double all = 0;
        for (int i = 0; i < layers && (wanted.prefetches() || all < wanted.bytes()); i++) {
            if (wanted.prefetches() && i % wanted.group() < wanted.group() - wanted.inGroup()) {
                continue;
            }
            double before = all;
            for (var each : LayerParameter.of(card, first + i < card.denseLayers())) {
                boolean room = wanted.prefetches() || all < wanted.bytes();
                if (room && (wanted.names().isEmpty() || each.named(wanted.names()))) {
                    double bytes = each.bytes() / (each.of() == Part.EXPERTS ? on.expertGpus() : on.tp());
                    of.merge(each.of(), bytes, Double::sum);
                    all += bytes;
                }
            }
            touched += all > before ? 1 : 0;
            largest = Math.max(largest, all - before);
        }
        return new HostWeights(of, touched, largest);
    }

    private HostWeights plus(HostWeights other) {
        var sum = new EnumMap<Part, Double>(Part.class);
        sum.putAll(of);
        other.of.forEach((part, bytes) -> sum.merge(part, bytes, Double::sum));
        return new HostWeights(sum, layers + other.layers, Math.max(largest, other.largest));
    }

    double bytes(Part part) {
        return of.getOrDefault(part, 0.0);
    }

    double bytes() {
        return of.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    /** What the GPU keeps for copies of them: the prefetch backend's buffers, or in V0 the layer that is computed. */
    double copies(Instance on) {
        var wanted = on.settings().offload();
        return wanted.prefetches()
                ? wanted.ahead() * largest
                : on.settings().version().v0() ? largest : 0;
    }
}
