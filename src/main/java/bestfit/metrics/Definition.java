package bestfit.metrics;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Whose definition of the metrics; docs/how-to/definitions.md tells how they differ. */
public enum Definition {
    COMPRESSA,
    VLLM,
    GUIDELLM,
    AIPERF;

    /** @throws IllegalArgumentException naming those that are known */
    public static Definition parse(String name) {
        return Arrays.stream(values())
                .filter(definition -> definition.label().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("\"" + name + "\" is not allowed; it takes "
                        + Arrays.stream(values()).map(Definition::label).collect(Collectors.joining(", "))));
    }

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
