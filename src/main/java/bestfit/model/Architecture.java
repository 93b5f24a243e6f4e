package bestfit.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The dense decoder families whose {@code config.json} is understood. */
public enum Architecture {
    QWEN3("Qwen3ForCausalLM", true, false),
    QWEN2("Qwen2ForCausalLM", false, true),
    LLAMA("LlamaForCausalLM", false, false);

    private final String label;
    private final boolean headNorms;
    private final boolean biased;

    Architecture(String label, boolean headNorms, boolean biased) {
        this.label = label;
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

    static Optional<Architecture> parse(String name) {
        return Arrays.stream(values()).filter(a -> a.label.equals(name)).findFirst();
    }

    static String allowed() {
        return Arrays.stream(values()).map(Architecture::label).collect(Collectors.joining(", "));
    }
}
