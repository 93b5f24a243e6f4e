package bestfit.model;

import java.util.ArrayList;
import java.util.List;

/**
 * One of vLLM's parameters of a decoder layer, its scales and the norms beside it included.
 *
 * @param name below the layer, as vLLM's modules have it
 * @param bytes all devices together
 */
public record LayerParameter(String name, Part of, double bytes) {
    /** What a layer is made of. */
    public enum Part {
        ATTENTION,
        DENSE,
        /** Router, and what every token passes. */
        SHARED,
        EXPERTS
    }

    /** Gate and up are one parameter, of three equal matrices. */
    private static final double GATE_UP = 2.0 / 3;

    /**
     * In the order in which the module registers them (vLLM's qwen2.py, qwen3_moe.py, deepseek_v2.py), which is that in which they
     * are offloaded. Queries, keys and values are one parameter, and so are the two matrices before an activation, of all
     * experts together.
     */
    public static List<LayerParameter> of(ModelCard card, boolean dense) {
        var all = new ArrayList<LayerParameter>();
        double attention = card.attentionBytes();
        double output =
                attention * card.attentionMatrices().getOrDefault("self_attn.o_proj", 0L) / card.attentionParameters();
        all.add(new LayerParameter("self_attn.qkv_proj.weight", Part.ATTENTION, attention - output));
        all.add(new LayerParameter("self_attn.o_proj.weight", Part.ATTENTION, output));
        var experts = card.experts();
        if (dense || experts == null) {
            double ffn = card.denseFfnBytes();
            all.add(new LayerParameter("mlp.gate_up_proj.weight", Part.DENSE, GATE_UP * ffn));
            all.add(new LayerParameter("mlp.down_proj.weight", Part.DENSE, (1 - GATE_UP) * ffn));
        } else {
            double routed = experts.count() * card.expertBytes();
            all.add(new LayerParameter("mlp.shared_experts.weight", Part.SHARED, card.sharedBytes()));
            all.add(new LayerParameter("mlp.experts.w13_weight", Part.EXPERTS, GATE_UP * routed));
            all.add(new LayerParameter("mlp.experts.w2_weight", Part.EXPERTS, (1 - GATE_UP) * routed));
        }
        return List.copyOf(all);
    }

    /** Whether one of the segments names it: whole words between dots (vLLM's {@code cpu_offload_params}). */
    public boolean named(List<String> segments) {
        return segments.stream().anyMatch(each -> ("." + name + ".").contains("." + each + "."));
    }
}
