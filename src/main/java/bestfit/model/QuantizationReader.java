package bestfit.model;

import bestfit.config.Problems;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Reads how weights are stored out of {@code quantization_config}, or out of {@code hf_quant_config.json}, which NVIDIA's ModelOpt
 * writes beside a {@code config.json}.
 */
final class QuantizationReader {
    private static final String KNOWN = "fp8, awq, gptq, auto-round, mxfp4, compressed-tensors, modelopt, bitsandbytes";
    private static final double SCALE = 2;
    private static final List<String> GATED = List.of("gate_proj", "up_proj", "down_proj");

    /** A format, and the bytes of one number in it. */
    private record Kind(WeightFormat format, double bytes) {
        static Kind of(WeightFormat format) {
            return new Kind(format, format.bytes());
        }
    }

    private final String origin;
    private final JsonNode quantization;
    private final Problems problems;

    /** @param quantization missing for a checkpoint in 16 bits */
    QuantizationReader(String origin, JsonNode quantization, Problems problems) {
        this.origin = origin;
        this.quantization = quantization;
        this.problems = problems;
    }

    /** Weights in 32 bits are no format of their own: vLLM loads them in 16 unless {@code --dtype} says otherwise. */
    Checkpoint read(ModelCard card) {
        var method = method();
        if (method.isEmpty()) {
            return Checkpoint.of(WeightFormat.HALF);
        }
        var kind = kind(method);
        var modules = PlainModules.of(origin, quantization, problems);
        int layers = card.layers();
        int dense = card.denseLayers();
        return new Checkpoint(
                kind.format(),
                kind.bytes(),
                modules.share(card.attentionMatrices(), 0, layers),
                modules.share(gated("mlp."), 0, dense),
                modules.share(gated("mlp.shared_experts.", "mlp.shared_expert."), dense, layers - dense),
                modules.share(gated("mlp.experts.0."), dense, layers - dense),
                eightBitCache());
    }

    private static Map<String, Long> gated(String... parents) {
        var matrices = new java.util.HashMap<String, Long>();
        for (var name : GATED) {
            matrices.put(String.join(name + "|", parents) + name, 1L);
        }
        return matrices;
    }

    /** Of ModelOpt, and of others' copies, some configs leave the method to be told from the rest. */
    private String method() {
        if (quantization.isMissingNode() || (quantization.isObject() && quantization.isEmpty())) {
            return "";
        }
        if (!quantization.isObject()) {
            problems.add(
                    origin + ": quantization_config is " + quantization + "; it must be an object with quant_method");
            return "";
        }
        var told = quantization.path("quant_method").asString("").toLowerCase(Locale.ROOT);
        if (!told.isEmpty()) {
            return told;
        }
        if (quantization.has("quant_algo")) {
            return quantization.hasNonNull("quant_algo") ? "modelopt" : "";
        }
        if (quantization.has("config_groups")) {
            return "compressed-tensors";
        }
        refuse("quant_method is missing; known are " + KNOWN);
        return "";
    }

    private void refuse(String what) {
        problems.add(origin + ": quantization_config." + what);
    }

    private Kind kind(String method) {
        return switch (method) {
            case "fp8" -> quantization.hasNonNull("weight_block_size") ? blocks() : Kind.of(WeightFormat.FP8);
            case "compressed-tensors" -> groups();
            case "modelopt", "modelopt_fp4", "modelopt_mixed" -> algorithm();
            // Their files hold zeros whether or not these are used.
            case "gptq", "awq", "auto-round", "gptq_marlin", "awq_marlin" ->
                integers("bits", quantization.path("bits").asInt(4), quantization.path("group_size"), true);
            case "bitsandbytes" ->
                Kind.of(quantization.path("load_in_8bit").asBoolean(false) ? WeightFormat.FP8 : WeightFormat.INT4);
            default ->
                Kind.of(WeightFormat.parse(method).orElseGet(() -> {
                    refuse("quant_method is " + method + "; known are " + KNOWN);
                    return WeightFormat.HALF;
                }));
        };
    }

    /** One 32-bit scale a block. */
    private Kind blocks() {
        double of = 1;
        for (var side : quantization.path("weight_block_size")) {
            of *= Math.max(1, side.asDouble(1));
        }
        return new Kind(WeightFormat.FP8_BLOCK, 1 + 4 / of);
    }

    /** A 16-bit scale, and a zero of as many bits as a weight has where there is one, for each group; for each row without groups. */
    private Kind integers(String field, int bits, JsonNode groupSize, boolean zeros) {
        if (bits != 4 && bits != 8) {
            refuse(field + " is " + bits + "; known are 4 and 8");
            return Kind.of(WeightFormat.HALF);
        }
        int group = groupSize.asInt(0);
        double scales = group < 1 ? 0 : (SCALE + (zeros ? bits / 8.0 : 0)) / group;
        var format = bits == 8 ? WeightFormat.FP8 : group == 32 ? WeightFormat.INT4_BY_32 : WeightFormat.INT4;
        return new Kind(format, bits / 8.0 + scales);
    }

    private Kind algorithm() {
        var algorithm = quantization.path("quant_algo").asString("").toUpperCase(Locale.ROOT);
        int group = quantization.path("group_size").asInt(128);
        return switch (algorithm) {
            case "FP8", "FP8_PER_CHANNEL_PER_TOKEN", "W8A8_SQ_PER_CHANNEL" -> Kind.of(WeightFormat.FP8);
            case "FP8_PB_WO", "FP8_PB_REAL" -> Kind.of(WeightFormat.FP8_BLOCK);
            case "MXFP8" -> new Kind(WeightFormat.FP8, 1 + 1 / 32.0);
            case "NVFP4", "NVFP4_AWQ", "W4A16_NVFP4" -> Kind.of(WeightFormat.NVFP4);
            case "W4A16_AWQ", "W4A8_AWQ", "INT4_AWQ" -> new Kind(WeightFormat.INT4, 0.5 + SCALE / group);
            case "" -> groups();
            default -> {
                refuse("quant_algo is " + algorithm + "; known are FP8, FP8_PB_WO, MXFP8, NVFP4, W4A16_AWQ, W4A8_AWQ");
                yield Kind.of(WeightFormat.HALF);
            }
        };
    }

    private Kind groups() {
        var kinds = new ArrayList<Kind>();
        quantization.path("config_groups").forEach(group -> kinds.add(group(group.path("weights"))));
        var formats = new HashSet<>(kinds.stream().map(Kind::format).toList());
        if (kinds.isEmpty()) {
            refuse("config_groups is missing, which tells how weights are stored");
            return Kind.of(WeightFormat.HALF);
        }
        if (formats.size() > 1) {
            refuse("config_groups stores weights in "
                    + String.join(
                            " and ",
                            formats.stream().map(WeightFormat::label).sorted().toList())
                    + "; one format for all is understood");
        }
        return kinds.getFirst();
    }

    private Kind group(JsonNode weights) {
        int bits = weights.path("num_bits").asInt(0);
        boolean floats = weights.path("type").asString("").equals("float");
        if (!floats) {
            boolean zeros = !weights.path("symmetric").asBoolean(true);
            return integers("config_groups: num_bits", bits, weights.path("group_size"), zeros);
        }
        if (bits == 4) {
            return Kind.of(weights.path("group_size").asInt(16) == 32 ? WeightFormat.MXFP4 : WeightFormat.NVFP4);
        }
        if (bits != 8) {
            refuse("config_groups: num_bits is " + bits + "; known are 4 and 8");
        }
        boolean block = weights.path("strategy").asString("").equals("block");
        return Kind.of(block ? WeightFormat.FP8_BLOCK : WeightFormat.FP8);
    }

    private boolean eightBitCache() {
        return quantization.path("kv_cache_quant_algo").asString("").equalsIgnoreCase("fp8")
                || quantization.path("kv_cache_scheme").asString("").equalsIgnoreCase("fp8")
                || quantization.path("kv_cache_scheme").path("num_bits").asInt(0) == 8;
    }
}
