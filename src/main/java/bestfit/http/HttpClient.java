package bestfit.http;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Blocking calls for control traffic: management APIs, health, metrics. Thread-safe. */
public final class HttpClient {
    /** A whole answer. */
    public record Answer(int status, Map<String, List<String>> headers, byte[] body) {
        public String text() {
            return new String(body, java.nio.charset.StandardCharsets.UTF_8);
        }

        /** The body as JSON; empty if it is none. */
        public Optional<JsonNode> json() {
            throw new UnsupportedOperationException();
        }
    }

    /** @throws IOException also when nothing was answered within {@code timeout}, connecting included */
    public Answer get(String url, Duration timeout) throws IOException {
        return call("GET", url, Map.of(), new byte[0], timeout);
    }

    public Answer postJson(String url, JsonNode body, Duration timeout) throws IOException {
        return call(
                "POST",
                url,
                Map.of("Content-Type", "application/json"),
                body.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8),
                timeout);
    }

    public Answer call(String method, String url, Map<String, String> headers, byte[] body, Duration timeout)
            throws IOException {
        throw new UnsupportedOperationException();
    }
}
