package bestfit.node;

import bestfit.args.DeploymentConfig;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.mlnode.UpRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** What the node asks one engine. Thread-safe. */
final class EngineClient {
    private static final Duration HEALTH_PATIENCE = Duration.ofSeconds(5);
    private final HttpClient http;
    private final String url;
    private final String servedModel;

    EngineClient(HttpClient http, String host, int port, String servedModel) {
        this.http = http;
        this.url = "http://" + host + ":" + port;
        this.servedModel = servedModel;
    }

    /** For an engine that this node starts for {@code request}. */
    static EngineClient of(HttpClient http, int port, UpRequest request) {
        var args = new VllmArgs(request.additionalArgs());
        var served = new DeploymentConfig(request.model(), request.dtype(), args).servedModel();
        return new EngineClient(http, "127.0.0.1", port, served);
    }

    /** What a look at an engine's health found. */
    enum Health {
        GOOD,
        BAD,
        /** No connection is taken. */
        REFUSED,
        /** A connection is taken but nothing is answered: very busy, or stuck. */
        SILENT
    }

    Health health() {
        try {
            return http.get(url + "/health", HEALTH_PATIENCE).status() == 200 ? Health.GOOD : Health.BAD;
        } catch (IOException failed) {
            return failed instanceof java.net.ConnectException ? Health.REFUSED : Health.SILENT;
        }
    }

    /** The engine's Prometheus text; empty when it gives none. */
    Optional<String> metrics() {
        try {
            var answer = http.get(url + "/metrics", HEALTH_PATIENCE);
            return answer.status() == 200 ? Optional.of(answer.text()) : Optional.empty();
        } catch (IOException unreachable) {
            return Optional.empty();
        }
    }

    /**
     * Has one token made: only that shows that workers, kernels and caches work.
     *
     * @return false when it failed in a way that may pass
     * @throws IOException if the connection broke or nothing came in time
     */
    boolean makesToken(Duration patience) throws IOException {
        for (var path : List.of("/v1/completions", "/v1/chat/completions")) {
            int status = http.postJson(url + path, oneToken(path), patience).status();
            if (status < 400) {
                return true;
            }
            if (status >= 500) {
                return false;
            }
        }
        // A model that generates nothing (embeddings, scores) answers that it does not; that is an answer.
        return true;
    }

    private ObjectNode oneToken(String path) {
        var body = Json.object().put("model", servedModel).put("max_tokens", 1).put("temperature", 0);
        if (path.endsWith("/chat/completions")) {
            body.putArray("messages").addObject().put("role", "user").put("content", "Hello");
        } else {
            body.put("prompt", "Hello");
        }
        return body;
    }
}
