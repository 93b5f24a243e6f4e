package bestfit.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The decoder families whose {@code config.json} is understood; the CPU computes some of them, the others are only planned for and simulated. */
public enum Architecture {
    QWEN3("Qwen3ForCausalLM", true, false),
    QWEN2("Qwen2ForCausalLM", false, true),
    LLAMA("LlamaForCausalLM", false, false),
    MISTRAL("MistralForCausalLM"),
    GEMMA("GemmaForCausalLM"),
    GEMMA2("Gemma2ForCausalLM"),
    GEMMA3("Gemma3ForCausalLM"),
    PHI3("Phi3ForCausalLM"),
    GLM4("Glm4ForCausalLM"),
    QWEN3_MOE("Qwen3MoeForCausalLM"),
    MIXTRAL("MixtralForCausalLM"),
    GPT_OSS("GptOssForCausalLM"),
    DEEPSEEK_V2("DeepseekV2ForCausalLM"),
    DEEPSEEK_V3("DeepseekV3ForCausalLM"),
    KIMI_K2("KimiK2ForCausalLM"),
    GLM4_MOE("Glm4MoeForCausalLM"),
    MINIMAX_M2("MiniMaxM2ForCausalLM");

    private final String label;
    private final boolean headNorms;
    private final boolean biased;
    private final boolean computed;

    Architecture(String label, boolean headNorms, boolean biased) {
        this(label, headNorms, biased, true);
    }

    Architecture(String label) {
        this(label, false, false, false);
    }

    Architecture(String label, boolean headNorms, boolean biased, boolean computed) {
        this.label = label;
        this.computed = computed;
        this.headNorms = headNorms;
        this.biased = biased;
    }

    /** The name in {@code architectures}. */
    public String label() {
        return label;
    }

    /** True when queries and keys are RMS-normalised per head before the rotation. */
    public boolean headNorms() {
        return headNorms;
    }

    /** True when the query, key and value projections have a bias although the config does not say so. */
    public boolean biased() {
        return biased;
    }

    /** True when the embedded engine can compute it; all can be simulated. */
    public boolean computed() {
        return computed;
    }

    static Optional<Architecture> parse(String name) {
        return Arrays.stream(values()).filter(a -> a.label.equals(name)).findFirst();
    }

    /** Those that can be computed. */
    public static String computedOnes() {
        return Arrays.stream(values())
                .filter(Architecture::computed)
                .map(Architecture::label)
                .collect(Collectors.joining(", "));
    }

    static String allowed() {
        return Arrays.stream(values()).map(Architecture::label).collect(Collectors.joining(", "));
    }
}
