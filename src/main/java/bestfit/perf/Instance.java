package bestfit.perf;

import bestfit.hardware.GpuSpec;
import bestfit.hardware.Interconnect;
import bestfit.model.ModelCard;

/** One vLLM engine, or one rank of its data parallelism: a model on {@code tp × pp} GPUs. */
public record Instance(ModelCard card, EngineSettings settings, GpuSpec gpu, Interconnect link, int tp, int pp) {
    public Instance {
        card = card.with(settings.format());
    }

    /** GPUs that share the experts of a layer: TP's, of all ranks of data parallelism. */
    int expertGpus() {
        return card.experts() == null ? tp : tp * settings.dataParallel();
    }

    /** Layers of the fullest pipeline stage. */
    public int stageLayers() {
        return Math.ceilDiv(card.layers(), pp);
    }

    /** KV heads that one GPU keeps; with more GPUs than heads they are copied. */
    public double kvNumbersPerGpu() {
        if (card.latent() != null) {
            return card.kvNumbersPerLayer();
        }
        return 2.0 * Math.ceilDiv(card.kvHeads(), tp) * card.headDim();
    }
}
