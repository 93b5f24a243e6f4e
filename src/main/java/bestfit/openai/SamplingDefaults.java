package bestfit.openai;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a request's fields are when it leaves them out, by the server's choice instead of OpenAI's.
 *
 * @param values by field, such as {@code temperature}
 * @param maxTokens null: the endpoint's default
 * @param mostTokens what no request exceeds; null for no such limit
 */
public record SamplingDefaults(
        Map<String, Double> values,
        @Nullable Long maxTokens,
        @Nullable Long mostTokens) {
    /** OpenAI's. */
    public static final SamplingDefaults NONE = new SamplingDefaults(Map.of(), null, null);

    double get(String field, double usual) {
        return values.getOrDefault(field, usual);
    }
}
