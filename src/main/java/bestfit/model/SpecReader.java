package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads one {@code config.json}, collecting every problem. */
final class SpecReader {
    private final String origin;
    private final JsonNode config;
    private final Problems problems = new Problems();

    SpecReader(String origin, String text) {
        this.origin = origin;
        var root = parse(origin, text);
        // A model of text and images keeps the text part's figures apart.
        boolean wrapped =
                !root.hasNonNull("hidden_size") && root.path("text_config").isObject();
        this.config = wrapped ? root.path("text_config") : root;
        if (!config.isObject()) {
            throw new ConfigException(origin + ": a JSON object is expected");
        }
    }

    ModelSpec read(@Nullable String generationConfig) {
        var architecture = architecture();
        int hidden = positive("hidden_size", -1);
        int layers = positive("num_hidden_layers", -1);
        int heads = positive("num_attention_heads", -1);
        int kvHeads = positive("num_key_value_heads", heads);
        int headDim = config.hasNonNull("head_dim") ? positive("head_dim", -1) : impliedHeadDim(hidden, heads);
        int intermediate = positive("intermediate_size", -1);
        int vocabulary = positive("vocab_size", -1);
        int positions = positive("max_position_embeddings", -1);
        double eps = number("rms_norm_eps", 1e-6);
        double theta = ropeTheta();
        if (heads > 0 && kvHeads > 0 && heads % kvHeads != 0) {
            problem("num_key_value_heads", kvHeads, "a divisor of num_attention_heads, " + heads);
        }
        if (headDim > 0 && headDim % 2 != 0) {
            problem("head_dim", headDim, "an even number");
        }
        var dtype = dtype();
        var eos = new ArrayList<Integer>();
        addEos(config, eos);
        if (generationConfig != null) {
            addEos(parse("generation_config.json beside " + origin, generationConfig), eos);
        }
        problems.throwIfAny();
        return new ModelSpec(
                architecture,
                hidden,
                layers,
                heads,
                kvHeads,
                headDim,
                intermediate,
                vocabulary,
                positions,
                theta,
                ropeScaling(),
                eps,
                config.path("tie_word_embeddings").asBoolean(false),
                config.path("attention_bias").asBoolean(architecture.biased()),
                dtype,
                eos);
    }

    private static JsonNode parse(String origin, String text) {
        try {
            return Json.parsePython(text);
        } catch (JacksonException e) {
            throw new ConfigException(origin + ": not valid JSON: " + Json.problem(e));
        }
    }

    private void problem(String field, Object value, String allowed) {
        problems.add(origin + ": " + field + " is " + value + "; it must be " + allowed);
    }

    private Architecture architecture() {
        var names = config.path("architectures");
        var name = names.isArray() && !names.isEmpty() ? names.get(0).asString("") : "";
        var found = Architecture.parse(name);
        if (found.isEmpty()) {
            problem("architectures", name.isEmpty() ? "missing" : names, "one of " + Architecture.allowed());
        }
        return found.orElse(Architecture.LLAMA);
    }

    /** @param missing the value when the field is absent; below 0 the field is required */
    private int positive(String field, int missing) {
        var node = config.path(field);
        if (node.isMissingNode() || node.isNull()) {
            if (missing < 0) {
                problem(field, "missing", "a whole number of at least 1");
            }
            return missing;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < 1) {
            problem(field, node, "a whole number of at least 1");
            return -1;
        }
        return node.asInt();
    }

    private int impliedHeadDim(int hidden, int heads) {
        if (hidden < 1 || heads < 1) {
            return -1;
        }
        if (hidden % heads != 0) {
            problem("hidden_size", hidden, "divisible by num_attention_heads, " + heads + ", when head_dim is absent");
            return -1;
        }
        return hidden / heads;
    }

    private double number(String field, double missing) {
        var node = config.path(field);
        if (node.isMissingNode() || node.isNull()) {
            return missing;
        }
        if (!node.isNumber() || node.asDouble(0) <= 0) {
            problem(field, node, "a number above 0");
            return missing;
        }
        return node.asDouble();
    }

    private double ropeTheta() {
        var nested = config.path("rope_parameters").path("rope_theta");
        return nested.isNumber() && nested.asDouble(0) > 0 ? nested.asDouble() : number("rope_theta", 10_000);
    }

    private @Nullable String ropeScaling() {
        for (var field : List.of("rope_scaling", "rope_parameters")) {
            var node = config.path(field);
            if (node.isObject()) {
                var type = node.path("rope_type").asString(node.path("type").asString("default"));
                return type.equals("default") ? null : type;
            }
        }
        return null;
    }

    private Dtype dtype() {
        var node = config.hasNonNull("dtype") ? config.path("dtype") : config.path("torch_dtype");
        if (node.isMissingNode() || node.isNull()) {
            return Dtype.FLOAT32;
        }
        var found = Dtype.parse(node.asString("").replace("torch.", ""));
        if (found.isEmpty()) {
            problem(config.hasNonNull("dtype") ? "dtype" : "torch_dtype", node, "float32, bfloat16 or float16");
        }
        return found.orElse(Dtype.FLOAT32);
    }

    static void addEos(JsonNode document, List<Integer> eos) {
        var node = document.path("eos_token_id");
        if (node.isIntegralNumber() && !eos.contains(node.asInt())) {
            eos.add(node.asInt());
        } else if (node.isArray()) {
            for (var id : node) {
                if (id.isIntegralNumber() && !eos.contains(id.asInt())) {
                    eos.add(id.asInt());
                }
            }
        }
    }
}
