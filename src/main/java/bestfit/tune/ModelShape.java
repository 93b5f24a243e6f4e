package bestfit.tune;

import bestfit.model.Dtype;
import bestfit.model.KnownModels;
import bestfit.model.Model;
import bestfit.model.ModelCard;
import bestfit.model.ModelSizes;
import bestfit.model.ModelSpec;
import org.jspecify.annotations.Nullable;

/**
 * What a layout depends on.
 *
 * @param name as the node is told
 * @param card what the performance model plans with; null where it is not needed
 * @param dtype of weights and KV cache
 */
public record ModelShape(
        String name, ModelSpec spec, Dtype dtype, @Nullable ModelCard card) {
    /** For the embedded engine, which the performance model does not know. */
    public ModelShape(String name, ModelSpec spec, Dtype dtype) {
        this(name, spec, dtype, null);
    }

    /** @param dtype as vLLM's {@code --dtype}; anything but a known type takes the checkpoint's */
    public static ModelShape of(Model model, String dtype) {
        return new ModelShape(
                model.name(),
                model.spec(),
                Dtype.parse(dtype).orElse(model.spec().dtype()),
                model.read("config.json")
                        .map(config -> KnownModels.card(model.origin("config.json"), model.name(), config))
                        .orElse(null));
    }

    /** For people, such as {@code tiny (Qwen3, 4.2 M)}. */
    public String title() {
        double millions = (card == null ? ModelSizes.parameters(spec) : card.parameters()) / 1e6;
        var size = millions >= 1000
                ? String.format(java.util.Locale.ROOT, "%.1f B", millions / 1000)
                : String.format(java.util.Locale.ROOT, "%.1f M", millions);
        return name + " (" + spec.architecture().label().replace("ForCausalLM", "") + ", " + size + ")";
    }
}
