package bestfit.engine;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/** Answers as prometheus-fastapi-instrumentator counts them in vLLM; what watches the engine does not count. Thread-safe. */
final class HttpMetrics {
    /** The path of what is answered 404 or 405. */
    static final String NO_ROUTE = "none";

    private static final Set<String> UNCOUNTED = Set.of("/metrics", "/health", "/load", "/ping", "/version");
    private static final double[] FINE = {
        0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60
    };
    private static final double[] COARSE = {0.1, 0.5, 1};

    private final ConcurrentMap<Map<String, String>, LongAdder> answers = new ConcurrentHashMap<>();
    private final ConcurrentMap<Map<String, String>, Histogram> requestBytes = new ConcurrentHashMap<>();
    private final ConcurrentMap<Map<String, String>, Histogram> responseBytes = new ConcurrentHashMap<>();
    private final ConcurrentMap<Map<String, String>, Histogram> seconds = new ConcurrentHashMap<>();
    private final Histogram allSeconds = new Histogram(FINE);

    /**
     * Counts an answer.
     *
     * @param sent bytes of the answer, 0 for a stream
     * @param tookSeconds from the request's last byte to the answer's first
     */
    void answered(String method, String path, int status, int received, int sent, double tookSeconds) {
        if (UNCOUNTED.contains(path)) {
            return;
        }
        var handler = MetricsText.labels("handler", path);
        var both = MetricsText.with(handler, "method", method);
        answers.computeIfAbsent(MetricsText.with(both, "status", status / 100 + "xx"), _ -> new LongAdder())
                .increment();
        of(requestBytes, handler, Histogram::new).add(received);
        of(responseBytes, handler, Histogram::new).add(sent);
        of(seconds, both, () -> new Histogram(COARSE)).add(tookSeconds);
        allSeconds.add(tookSeconds);
    }

    private static Histogram of(
            ConcurrentMap<Map<String, String>, Histogram> all, Map<String, String> labels, Supplier<Histogram> fresh) {
        return all.computeIfAbsent(labels, _ -> fresh.get());
    }

    void write(MetricsText text) {
        text.counter("http_requests_total", "Total number of requests by method, status and handler.", answers);
        text.summary(
                "http_request_size_bytes",
                "Content length of incoming requests by handler. Only value of header is respected. Otherwise ignored."
                        + " No percentile calculated. ",
                requestBytes);
        text.summary(
                "http_response_size_bytes",
                "Content length of outgoing responses by handler. Only value of header is respected. Otherwise ignored."
                        + " No percentile calculated. ",
                responseBytes);
        text.histogram(
                "http_request_duration_highr_seconds",
                "Latency with many buckets but no API specific labels. Made for more accurate percentile"
                        + " calculations. ",
                Map.of(Map.of(), allSeconds));
        text.histogram(
                "http_request_duration_seconds",
                "Latency with only few buckets by handler. Made to be only used if aggregation by handler is"
                        + " important. ",
                seconds);
    }
}
