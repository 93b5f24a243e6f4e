package bestfit.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What a checkpoint's name says: which model it holds, and how its weights are stored. Copies of a model are named after it:
 * {@code RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8}, {@code casperhansen/llama-3-70b-instruct-awq}.
 *
 * @param stem the model in lower case, without the organisation and what tuning and storage add
 * @param format empty where the name says nothing of it
 */
record CheckpointName(String stem, Optional<WeightFormat> format) {
    private static final Set<String> ADDED = Set.of(
            "meta",
            "instruct",
            "chat",
            "it",
            "base",
            "hf",
            "pt",
            "dynamic",
            "kv",
            "g128",
            "128g",
            "marlin",
            "turbo",
            "fast",
            "quantized",
            "unsloth",
            "bnb",
            "qat",
            "autoround",
            "sym",
            "hybrid",
            "rotorder",
            "channel",
            "tensor");

    private static final Set<String> FOUR_BITS = Set.of("awq", "gptq", "int4", "4bit", "w4a16", "q4");
    private static final Set<String> EIGHT_BITS = Set.of("int8", "8bit", "w8a8", "w8a16");

    private static final Set<String> HALF = Set.of("bf16", "fp16", "bfloat16", "float16", "half");

    static CheckpointName of(String name) {
        var text = name.substring(name.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
        var words = text.replaceAll("[ _]", "-")
                .replace("quantized.", "quantized-")
                .replaceAll("^(meta-)?(llama|gemma|phi)(\\d)", "$2-$3")
                .split("-", -1);
        var stem = new ArrayList<String>();
        var stored = new ArrayList<String>();
        for (var word : words) {
            if (format(List.of(word)).isPresent() || word.equals("block")) {
                stored.add(word);
            } else if (!ADDED.contains(word)) {
                stem.add(word);
            }
        }
        // Qwen's own FP8 checkpoints have a scale for each block of 128 × 128.
        if (stored.contains("fp8") && name.startsWith("Qwen/")) {
            stored.add("block");
        }
        return new CheckpointName(String.join("-", stem), format(stored));
    }

    /** The first of the formats that a text's words name, wherever they stand. */
    static Optional<WeightFormat> format(String text) {
        return format(List.of(text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+")));
    }

    /** Eight bits are said beside the method: {@code GPTQ-Int8}. */
    private static Optional<WeightFormat> format(List<String> words) {
        if (words.contains("fp8")) {
            return Optional.of(words.contains("block") ? WeightFormat.FP8_BLOCK : WeightFormat.FP8);
        }
        if (words.stream().anyMatch(EIGHT_BITS::contains)) {
            return WeightFormat.parse("int8");
        }
        if (words.stream().anyMatch(FOUR_BITS::contains)) {
            return Optional.of(WeightFormat.INT4);
        }
        if (words.contains("mxfp4")) {
            return Optional.of(WeightFormat.MXFP4);
        }
        if (words.contains("nvfp4") || words.contains("fp4")) {
            return Optional.of(WeightFormat.NVFP4);
        }
        return words.stream().anyMatch(HALF::contains) ? Optional.of(WeightFormat.HALF) : Optional.empty();
    }
}
