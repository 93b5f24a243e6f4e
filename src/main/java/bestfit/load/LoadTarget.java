package bestfit.load;

import bestfit.http.Tls;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where requests go.
 *
 * @param baseUrls of the OpenAI API; several are used in turn. A {@code /v1} or slash at the end, as OpenAI's own clients want
 *     it, is left out
 * @param headers sent with every request besides the content type
 * @param tls whom to trust with HTTPS
 */
public record LoadTarget(List<String> baseUrls, String model, Map<String, String> headers, Tls tls) {
    /** The endpoint of chat completions. */
    public static final String CHAT = "/v1/chat/completions";

    public LoadTarget {
        baseUrls = baseUrls.stream()
                .map(url -> withoutSlash(withoutSlash(url).replaceFirst("/v1$", "")))
                .toList();
        headers = Map.copyOf(headers);
    }

    public LoadTarget(String baseUrl, String model, Map<String, String> headers) {
        this(List.of(baseUrl), model, headers, Tls.SYSTEM);
    }

    public LoadTarget(String baseUrl, String model) {
        this(baseUrl, model, Map.of());
    }

    private static String withoutSlash(String url) {
        return url.endsWith("/") ? withoutSlash(url.substring(0, url.length() - 1)) : url;
    }

    /** The first, which is asked what all know. */
    public String baseUrl() {
        return baseUrls.getFirst();
    }

    List<URI> urls(String endpoint) {
        return baseUrls.stream().map(url -> URI.create(url + endpoint)).toList();
    }

    Map<String, String> allHeaders() {
        var all = new HashMap<>(headers);
        all.put("Content-Type", "application/json");
        return all;
    }
}
