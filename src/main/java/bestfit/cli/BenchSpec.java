package bestfit.cli;

import bestfit.config.Json;
import bestfit.load.Arrivals;
import bestfit.load.LoadTarget;
import bestfit.load.TimeLimits;
import bestfit.metrics.Slo;
import bestfit.workload.Extent;
import bestfit.workload.SendSchedule;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What one {@code bestfit bench} was asked to do; {@code model} null takes the server's first. */
record BenchSpec(
        String url,
        @Nullable String model,
        String endpoint,
        Shape shape,
        Extent extent,
        int promptTokens,
        int outputTokens,
        @Nullable Path tokenizer,
        double temperature,
        int warmup,
        @Nullable Slo slo,
        long seed,
        Map<String, String> headers,
        Limits limits,
        @Nullable Path events,
        boolean resume) {
    static final String COMPLETIONS = "/v1/completions";
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(30);

    /** How requests come. */
    sealed interface Shape {}

    record Users(int count) implements Shape {}

    /** @param burstiness shape of the gamma distribution of gaps; 1 is Poisson, infinite is constant */
    record Rate(double requestsPerSecond, double burstiness, int mostInFlight) implements Shape {}

    record Limits(Duration firstToken, Duration silence, Duration total) {}

    boolean chat() {
        return endpoint.equals(LoadTarget.CHAT);
    }

    TimeLimits timeLimits() {
        return new TimeLimits(CONNECT_LIMIT, limits.firstToken(), limits.silence(), limits.total());
    }

    /** @param first requests of the schedule that were sent before */
    Arrivals arrivals(int first) {
        return switch (shape) {
            case Users(int count) -> new Arrivals.Closed(count);
            case Rate(double rate, double burstiness, int mostInFlight) ->
                new Arrivals.Open(schedule(rate, burstiness).from(first), mostInFlight);
        };
    }

    private SendSchedule schedule(double rate, double burstiness) {
        if (Double.isInfinite(burstiness)) {
            return SendSchedule.constant(rate, extent);
        }
        return burstiness == 1
                ? SendSchedule.poisson(rate, extent, seed)
                : SendSchedule.gamma(rate, burstiness, extent, seed);
    }

    /** What makes a run comparable with another, and what a resumed one must have in common with its beginning. */
    ObjectNode json(String askedModel) {
        var json = Json.object()
                .put("url", url)
                .put("model", askedModel)
                .put("endpoint", endpoint)
                .put("prompt_tokens", promptTokens)
                .put("output_tokens", outputTokens)
                .put("temperature", temperature)
                .put("seed", seed);
        switch (shape) {
            case Users(int count) -> json.put("concurrency", count);
            case Rate(double rate, double burstiness, int mostInFlight) ->
                json.put("rate", rate)
                        .put("burstiness", Double.toString(burstiness))
                        .put("max_in_flight", mostInFlight);
        }
        switch (extent) {
            case Extent.Requests(int count) -> json.put("requests", count);
            case Extent.Lasting(Duration duration) -> json.put("duration_s", duration.toNanos() / 1e9);
        }
        return json;
    }
}
