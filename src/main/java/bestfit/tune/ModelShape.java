package bestfit.tune;

import bestfit.model.Dtype;
import bestfit.model.Model;
import bestfit.model.ModelSizes;
import bestfit.model.ModelSpec;

/**
 * What a layout depends on.
 *
 * @param name as the node is told
 * @param dtype of weights and KV cache
 */
public record ModelShape(String name, ModelSpec spec, Dtype dtype) {
    /** @param dtype as vLLM's {@code --dtype}; anything but a known type takes the checkpoint's */
    public static ModelShape of(Model model, String dtype) {
        return new ModelShape(
                model.name(),
                model.spec(),
                Dtype.parse(dtype).orElse(model.spec().dtype()));
    }

    /** For people, such as {@code tiny (Qwen3, 4.2 M)}. */
    public String title() {
        double millions = ModelSizes.parameters(spec) / 1e6;
        var size = millions >= 1000
                ? String.format(java.util.Locale.ROOT, "%.1f B", millions / 1000)
                : String.format(java.util.Locale.ROOT, "%.1f M", millions);
        return name + " (" + spec.architecture().label().replace("ForCausalLM", "") + ", " + size + ")";
    }
}
