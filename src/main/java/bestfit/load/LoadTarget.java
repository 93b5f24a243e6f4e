package bestfit.load;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;

/**
 * Where requests go.
 *
 * @param baseUrl of the OpenAI API, without {@code /v1}, without a slash at its end
 * @param headers sent with every request besides the content type
 */
public record LoadTarget(String baseUrl, String model, Map<String, String> headers) {
    /** The endpoint of chat completions. */
    public static final String CHAT = "/v1/chat/completions";

    public LoadTarget {
        headers = Map.copyOf(headers);
        while (baseUrl.endsWith("/")) {
            baseUrl = baseUrl.substring(0, baseUrl.length() - 1);
        }
    }

    public LoadTarget(String baseUrl, String model) {
        this(baseUrl, model, Map.of());
    }

    URI url(String endpoint) {
        return URI.create(baseUrl + endpoint);
    }

    Map<String, String> allHeaders() {
        var all = new HashMap<>(headers);
        all.put("Content-Type", "application/json");
        return all;
    }
}
