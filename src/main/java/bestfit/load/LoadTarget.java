package bestfit.load;

import java.net.URI;
import java.util.Map;

/**
 * Where requests go.
 *
 * @param baseUrl of the OpenAI API, without {@code /v1}, without a slash at its end
 * @param headers sent with every request besides the content type
 */
public record LoadTarget(String baseUrl, String model, Map<String, String> headers) {
    public LoadTarget {
        headers = Map.copyOf(headers);
        while (baseUrl.endsWith("/")) {
            baseUrl = baseUrl.substring(0, baseUrl.length() - 1);
        }
    }

    public LoadTarget(String baseUrl, String model) {
        this(baseUrl, model, Map.of());
    }

    URI chatCompletions() {
        return URI.create(baseUrl + "/v1/chat/completions");
    }
}
