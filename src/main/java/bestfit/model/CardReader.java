package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Nearest;
import bestfit.config.Problems;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

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
            "Ministral3ForCausalLM",
            "GlmForCausalLM",
            "Glm4ForCausalLM");
    private static final Set<String> SPARSE = Set.of(
            "Qwen2MoeForCausalLM",
            "Qwen3MoeForCausalLM",
            "Llama4ForCausalLM",
            "MixtralForCausalLM",
            "GptOssForCausalLM",
            "DeepseekV2ForCausalLM",
            "DeepseekV3ForCausalLM",
            "KimiK2ForCausalLM",
            "Glm4MoeForCausalLM",
            "Glm4MoeLiteForCausalLM",
            "MiniMaxM2ForCausalLM");
    /** Models that see, by the text model inside; what they see with is in {@code vision_config}. */
    private static final Map<String, String> WRAPPERS = Map.of(
            "KimiK25ForConditionalGeneration", "DeepseekV3ForCausalLM",
            "KimiVLForConditionalGeneration", "DeepseekV3ForCausalLM",
            "Gemma3ForConditionalGeneration", "Gemma3ForCausalLM",
            "Mistral3ForConditionalGeneration", "MistralForCausalLM",
            "Llama4ForConditionalGeneration", "Llama4ForCausalLM",
            "Qwen2VLForConditionalGeneration", "Qwen2ForCausalLM",
            "Qwen2_5_VLForConditionalGeneration", "Qwen2ForCausalLM",
            "Qwen3VLForConditionalGeneration", "Qwen3ForCausalLM",
            "Qwen3VLMoeForConditionalGeneration", "Qwen3MoeForCausalLM",
            "Glm4vMoeForConditionalGeneration", "Glm4MoeForCausalLM");

    private static final Set<String> LAYERS = Set.of("full_attention", "sliding_attention", "chunked_attention");

    /** What {@code Gemma3TextConfig} of the transformers library takes where a config leaves it out, as Google's do. */
    private static final Map<String, Integer> GEMMA3 = Map.of(
            "num_attention_heads", 8,
            "num_key_value_heads", 4,
            "head_dim", 256,
            "vocab_size", 262_208,
            "max_position_embeddings", 131_072,
            "sliding_window_pattern", 6);

    private final String origin;
    private final String name;
    private final JsonNode root;
    private final JsonNode config;
    private final String architecture;
    private final JsonNode quantization;
    private final Problems problems = new Problems();

    /** @param modelOpt text of a {@code hf_quant_config.json}, which tells how weights are stored where the config does not */
    CardReader(String origin, String name, String text, @Nullable String modelOpt) {
        this.origin = origin;
        this.name = name;
        root = object(
                origin, text, "a model's config.json is a JSON object, with architectures, hidden_size and so on");
        var inside = WRAPPERS.get(architecture(root));
        boolean wrapped = inside != null || !root.hasNonNull("hidden_size");
        config = wrapped && root.path("text_config").isObject() ? root.path("text_config") : root;
        architecture = inside != null ? inside : architecture(root);
        var told = Stream.of(config, root)
                .map(each -> each.path("quantization_config"))
                .filter(each -> !each.isMissingNode() && !each.isNull())
                .findFirst();
        quantization = told.isEmpty() && modelOpt != null
                ? object(origin + " and hf_quant_config.json", modelOpt, "quantization is expected in it")
                        .path("quantization")
                : told.orElse(MissingNode.getInstance());
    }

    private static JsonNode object(String origin, String text, String expected) {
        JsonNode node;
        try {
            // As Python writes it, with numbers that are none.
            node = Json.parsePython(text);
        } catch (JacksonException e) {
            throw new ConfigException(origin + ": not valid JSON: " + Json.problem(e));
        }
        if (!node.isObject()) {
            throw new ConfigException(
                    origin + ": holds " + (node.isArray() ? "a list" : "a single value") + "; " + expected);
        }
        return node;
    }

    private static String architecture(JsonNode node) {
        return node.path("architectures").path(0).asString("");
    }

    ModelCard read() {
        if (!DENSE.contains(architecture) && !SPARSE.contains(architecture)) {
            var known = Stream.of(DENSE, SPARSE, WRAPPERS.keySet())
                    .flatMap(names -> names.stream().sorted())
                    .toList();
            var nearest = Nearest.to(architecture, known).map(each -> "; the nearest known is " + each);
            problems.add(origin + ": architectures is "
                    + (architecture.isEmpty() ? "missing" : "[" + architecture + "], which is not understood")
                    + (architecture.isEmpty() ? "" : nearest.orElse(""))
                    + "; known are " + String.join(", ", known));
        }
        checkLayers();
        int hidden = needed("hidden_size");
        int layers = needed("num_hidden_layers");
        int heads = needed("num_attention_heads");
        int kvHeads = number("num_key_value_heads", heads);
        if (heads > 0 && (kvHeads < 1 || heads % kvHeads != 0)) {
            problems.add(
                    origin + ": num_key_value_heads is " + kvHeads + "; it must divide num_attention_heads, " + heads);
        }
        var latent = latent();
        int headDim = latent != null
                ? latent.nopeDim() + latent.ropeDim()
                : number("head_dim", heads > 0 ? hidden / heads : 0);
        int width = needed("intermediate_size");
        int ffn = number("intermediate_size_mlp", width);
        var experts = SPARSE.contains(architecture) ? experts(width) : null;
        int dense = experts == null ? layers : Math.min(layers, denseLayers(layers));
        int window = number("sliding_window", number("attention_chunk_size", 0));
        boolean norms = architecture.startsWith("Qwen3") || architecture.startsWith("Gemma3");
        long bias = architecture.startsWith("Qwen2")
                        || config.path("attention_bias").asBoolean(false)
                ? (long) headDim * (heads + 2L * kvHeads)
                : 0;
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
                window == 0 ? 0 : slidingLayers(layers),
                needed("vocab_size"),
                tied(),
                2L * hidden + bias + (norms ? 2L * headDim : 0),
                towerParameters(root.path("vision_config")),
                architecture.startsWith("MiniMaxM2"),
                Checkpoint.of(WeightFormat.HALF),
                needed("max_position_embeddings"));
        var stored = new QuantizationReader(origin, quantization, problems).read(card);
        problems.throwIfAny();
        return card.with(stored);
    }

    private boolean tied() {
        var told = config.hasNonNull("tie_word_embeddings") ? config : root;
        return told.path("tie_word_embeddings").asBoolean(architecture.startsWith("Gemma"));
    }

    /**
     * Layers without experts: the first ones (DeepSeek, GLM), those listed, or those between every n-th (Qwen's
     * {@code decoder_sparse_step}, Llama 4's {@code interleave_moe_layer_step}).
     */
    private int denseLayers(int layers) {
        int step = Math.max(1, number("decoder_sparse_step", number("interleave_moe_layer_step", 1)));
        return number("first_k_dense_replace", 0)
                + config.path("mlp_only_layers").size()
                + layers
                - layers / step;
    }

    /**
     * A vision transformer's attention and feed-forward part, and what joins its patches (one matrix over them, one into the text
     * model's width; Qwen3-VL has such a pair for each layer that it takes features from); the rest of it is small.
     */
    private static long towerParameters(JsonNode tower) {
        long layers = first(tower, "depth", "num_hidden_layers", "vt_num_hidden_layers");
        // Qwen2-VL's hidden_size is that of what it hands on.
        long hidden = first(tower, "embed_dim", "hidden_size", "vt_hidden_size");
        long ffn = first(tower, "intermediate_size", "vt_intermediate_size");
        ffn = ffn == 0 ? hidden * Math.max(4, tower.path("mlp_ratio").asInt(4)) : ffn;
        int matrices = tower.path("hidden_act").asString("").equals("silu") ? 3 : 2;
        long joined = hidden * (long) Math.pow(tower.path("spatial_merge_size").asInt(0), 2);
        long joins = 1L + tower.path("deepstack_visual_indexes").size();
        return layers * (4 * hidden * hidden + matrices * hidden * ffn)
                + joins * joined * (joined + first(tower, "out_hidden_size", "hidden_size"));
    }

    private static long first(JsonNode node, String... fields) {
        return Stream.of(fields)
                .map(node::path)
                .filter(JsonNode::isIntegralNumber)
                .findFirst()
                .map(JsonNode::asLong)
                .orElse(0L);
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
        int perToken = needed("num_experts_per_tok");
        if (count > 0 && perToken > count) {
            problems.add(origin + ": num_experts_per_tok is " + perToken
                    + "; it must be at most the number of experts, " + count);
        }
        int width = number("moe_intermediate_size", ffn);
        int shared = number("n_shared_experts", architecture.startsWith("Llama4") ? 1 : 0) * width;
        return new ModelCard.Experts(count, perToken, width, number("shared_expert_intermediate_size", shared));
    }

    private int slidingLayers(int layers) {
        var types = config.path("layer_types");
        if (types.isArray()) {
            int sliding = 0;
            for (var type : types) {
                sliding += type.asString("").equals("full_attention") ? 0 : 1;
            }
            return sliding;
        }
        if (architecture.startsWith("Gemma3") || config.hasNonNull("sliding_window_pattern")) {
            return layers - layers / Math.max(1, needed("sliding_window_pattern"));
        }
        return switch (architecture) {
            case "Gemma2ForCausalLM" -> layers / 2;
            case "Llama4ForCausalLM" -> layers - layers / 4;
            case "MistralForCausalLM" -> layers;
            // Qwen writes the window, but uses it only if told to, and then not in the first layers.
            default ->
                config.path("use_sliding_window").asBoolean(false)
                        ? Math.max(0, layers - number("max_window_layers", layers))
                        : 0;
        };
    }

    private int needed(String field) {
        int value = number(field, -1, 1);
        if (value == -1 && !config.hasNonNull(field)) {
            problems.add(origin + ": " + field + " is missing; it must be a whole number of at least 1");
        }
        return value;
    }

    /** A layer of another kind, such as linear attention, keeps no KV cache and costs other than is known. */
    private void checkLayers() {
        for (var type : config.path("layer_types")) {
            if (!LAYERS.contains(type.asString(""))) {
                problems.add(origin + ": layer_types has " + type + ", which is not understood; known are "
                        + String.join(", ", LAYERS.stream().sorted().toList()));
                return;
            }
        }
    }

    private int number(String field, int missing) {
        return number(field, missing, 0);
    }

    private int number(String field, int missing, int least) {
        var node = config.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return architecture.startsWith("Gemma3") ? GEMMA3.getOrDefault(field, missing) : missing;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < least) {
            problems.add(origin + ": " + field + " is " + node + "; it must be a whole number of at least " + least);
            return missing;
        }
        return node.asInt();
    }
}
