package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads a {@link ModelCard} out of a {@code config.json}, collecting every problem. */
final class CardReader {
    private static final Set<String> DENSE = Set.of(
            "LlamaForCausalLM",
            "MistralForCausalLM",
            "Qwen2ForCausalLM",
            "Qwen3ForCausalLM",
            "GemmaForCausalLM",
            "Gemma2ForCausalLM",
            "Gemma3ForCausalLM",
            "Phi3ForCausalLM",
            "Glm4ForCausalLM");
    private static final Set<String> SPARSE = Set.of(
            "Qwen3MoeForCausalLM",
            "MixtralForCausalLM",
            "GptOssForCausalLM",
            "DeepseekV2ForCausalLM",
            "DeepseekV3ForCausalLM",
            "KimiK2ForCausalLM",
            "Glm4MoeForCausalLM",
            "MiniMaxM2ForCausalLM");
    private static final Set<String> WRAPPERS = Set.of(
            "KimiK25ForConditionalGeneration", "Gemma3ForConditionalGeneration", "Mistral3ForConditionalGeneration");

    private final String origin;
    private final String name;
    private final JsonNode config;
    private final JsonNode quantization;
    private final Problems problems = new Problems();

    CardReader(String origin, String name, String text) {
        this.origin = origin;
        this.name = name;
        JsonNode root;
        try {
            root = Json.parse(text);
        } catch (JacksonException e) {
            throw new ConfigException(origin + ": not valid JSON: " + e.getOriginalMessage());
        }
        boolean wrapped = WRAPPERS.contains(architecture(root))
                && root.path("text_config").isObject();
        this.config = wrapped ? root.path("text_config") : root;
        this.quantization = config.hasNonNull("quantization_config")
                ? config.path("quantization_config")
                : root.path("quantization_config");
    }

    private static String architecture(JsonNode node) {
        return node.path("architectures").path(0).asString("");
    }

    ModelCard read() {
        var architecture = architecture(config).isEmpty() ? "LlamaForCausalLM" : architecture(config);
        if (!DENSE.contains(architecture) && !SPARSE.contains(architecture)) {
            problems.add(origin + ": architectures is [" + architecture + "], which is not understood; known are "
                    + String.join(", ", DENSE.stream().sorted().toList()) + ", "
                    + String.join(", ", SPARSE.stream().sorted().toList()));
        }
        int hidden = needed("hidden_size");
        int layers = needed("num_hidden_layers");
        int heads = needed("num_attention_heads");
        int kvHeads = number("num_key_value_heads", heads);
        var latent = latent();
        int headDim = latent != null
                ? latent.nopeDim() + latent.ropeDim()
                : number("head_dim", heads > 0 ? hidden / heads : 0);
        int ffn = needed("intermediate_size");
        var experts = SPARSE.contains(architecture) ? experts(ffn) : null;
        int dense = experts == null ? layers : number("first_k_dense_replace", 0);
        int window = number("sliding_window", 0);
        boolean norms = architecture.startsWith("Qwen3") || architecture.startsWith("Gemma3");
        long bias = architecture.equals("Qwen2ForCausalLM")
                        || config.path("attention_bias").asBoolean(false)
                ? (long) headDim * (heads + 2L * kvHeads)
                : 0;
        var format = format();
        var card = new ModelCard(
                name,
                hidden,
                layers,
                heads,
                kvHeads,
                headDim,
                ffn,
                dense,
                experts,
                latent,
                window,
                window == 0 ? 0 : slidingLayers(architecture, layers),
                needed("vocab_size"),
                config.path("tie_word_embeddings").asBoolean(architecture.startsWith("Gemma")),
                2L * hidden + bias + (norms ? 2L * headDim : 0),
                architecture.startsWith("MiniMaxM2"),
                format,
                onlyExperts(),
                needed("max_position_embeddings"));
        problems.throwIfAny();
        return card;
    }

    private ModelCard.@Nullable Latent latent() {
        if (!config.hasNonNull("kv_lora_rank")) {
            return null;
        }
        return new ModelCard.Latent(
                number("q_lora_rank", 0),
                needed("kv_lora_rank"),
                needed("qk_rope_head_dim"),
                needed("qk_nope_head_dim"),
                needed("v_head_dim"));
    }

    private ModelCard.Experts experts(int ffn) {
        int count = 0;
        for (var field : new String[] {"num_experts", "num_local_experts", "n_routed_experts"}) {
            count = Math.max(count, number(field, 0));
        }
        if (count == 0) {
            problems.add(origin + ": num_experts, num_local_experts or n_routed_experts is missing");
        }
        int width = number("moe_intermediate_size", ffn);
        return new ModelCard.Experts(
                count, needed("num_experts_per_tok"), width, number("n_shared_experts", 0) * width);
    }

    private int slidingLayers(String architecture, int layers) {
        var types = config.path("layer_types");
        if (types.isArray()) {
            int sliding = 0;
            for (var type : types) {
                sliding += type.asString("").equals("sliding_attention") ? 1 : 0;
            }
            return sliding;
        }
        if (config.hasNonNull("sliding_window_pattern")) {
            return layers - layers / needed("sliding_window_pattern");
        }
        return switch (architecture) {
            case "Gemma2ForCausalLM" -> layers / 2;
            case "Gemma3ForCausalLM" -> layers - layers / 6;
            case "MistralForCausalLM" -> layers;
            default -> 0; // Qwen writes the field but does not use it (use_sliding_window false)
        };
    }

    private WeightFormat format() {
        var method = quantization.path("quant_method").asString("");
        return switch (method) {
            case "" ->
                config.path("torch_dtype").asString("").equals("float32") ? WeightFormat.FLOAT32 : WeightFormat.HALF;
            case "fp8" -> quantization.hasNonNull("weight_block_size") ? WeightFormat.FP8_BLOCK : WeightFormat.FP8;
            case "compressed-tensors", "modelopt" -> grouped();
            default ->
                WeightFormat.parse(method).orElseGet(() -> {
                    problems.add(origin + ": quantization_config.quant_method is " + method
                            + "; known are fp8, awq, gptq, mxfp4, compressed-tensors, modelopt");
                    return WeightFormat.HALF;
                });
        };
    }

    private WeightFormat grouped() {
        for (var group : quantization.path("config_groups")) {
            var weights = group.path("weights");
            int bits = weights.path("num_bits").asInt(0);
            if (bits == 8) {
                return WeightFormat.FP8;
            }
            if (bits == 4) {
                return weights.path("type").asString("").equals("float") ? WeightFormat.NVFP4 : WeightFormat.INT4;
            }
        }
        return quantization.path("quant_algo").asString("").contains("FP4") ? WeightFormat.NVFP4 : WeightFormat.FP8;
    }

    /** True when the list of modules left alone names the attention. */
    private boolean onlyExperts() {
        for (var field : new String[] {"modules_to_not_convert", "ignore"}) {
            for (var module : quantization.path(field)) {
                if (module.asString("").contains("self_attn")) {
                    return true;
                }
            }
        }
        return false;
    }

    private int needed(String field) {
        int value = number(field, -1);
        if (value == -1) {
            problems.add(origin + ": " + field + " is missing; it must be a whole number of at least 1");
        }
        return value;
    }

    private int number(String field, int missing) {
        var node = config.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return missing;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < 0) {
            problems.add(origin + ": " + field + " is " + node + "; it must be a whole number of at least 0");
            return missing;
        }
        return node.asInt();
    }
}
