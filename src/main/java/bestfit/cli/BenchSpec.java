package bestfit.cli;

import bestfit.config.Json;
import bestfit.http.Tls;
import bestfit.load.Arrivals;
import bestfit.load.TimeLimits;
import bestfit.workload.Extent;
import bestfit.workload.LengthDistribution;
import bestfit.workload.LoadShape;
import bestfit.workload.PlannedRequests;
import bestfit.workload.PromptPlan;
import bestfit.workload.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What one {@code bestfit bench} was asked to do; {@code model} null takes the server's first. */
record BenchSpec(
        List<String> urls,
        @Nullable String model,
        Workload workload,
        @Nullable Path tokenizer,
        Map<String, String> headers,
        Tls tls,
        double percentile,
        boolean usagePerChunk,
        Limits limits) {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(30);

    record Limits(Duration firstToken, Duration silence, Duration total) {}

    BenchSpec with(Workload other) {
        return new BenchSpec(urls, model, other, tokenizer, headers, tls, percentile, usagePerChunk, limits);
    }

    TimeLimits timeLimits() {
        return new TimeLimits(CONNECT_LIMIT, limits.firstToken(), limits.silence(), limits.total());
    }

    /** @param first entries of the schedule that were sent before */
    Arrivals arrivals(PlannedRequests planned, int first) {
        return switch (workload.load()) {
            case LoadShape.Users(int count, Duration rampUp) -> new Arrivals.Closed(count, rampUp);
            case LoadShape.Rate(double _, double _, int mostInFlight) -> open(planned, first, mostInFlight);
            case LoadShape.Replay(double _, int mostInFlight) -> open(planned, first, mostInFlight);
        };
    }

    private static Arrivals open(PlannedRequests planned, int first, int mostInFlight) {
        return new Arrivals.Open(planned.schedule().orElseThrow().from(first), mostInFlight);
    }

    OptionalInt users() {
        return workload.load() instanceof LoadShape.Users(int count, var _)
                ? OptionalInt.of(count)
                : OptionalInt.empty();
    }

    /** Tokens of every prompt without template; empty where they differ. */
    OptionalInt promptTokens() {
        return workload.prompt()
                                instanceof PromptPlan.Generated(LengthDistribution.Fixed(int tokens), int prefix, int _)
                        && workload.turns().most() == 1
                ? OptionalInt.of(tokens + prefix)
                : OptionalInt.empty();
    }

    /** Prompts share beginnings, so that a prefix cache is meant to help. */
    boolean sharesPrefixes() {
        return workload.turns().most() > 1
                || !(workload.prompt() instanceof PromptPlan.Generated(LengthDistribution _, int prefix, int _))
                || prefix > 0;
    }

    /** What makes a run comparable with another, and what a resumed one must have in common with its beginning. */
    ObjectNode json(String askedModel) {
        var json = Json.object();
        if (!workload.name().isEmpty()) {
            json.put("workload", workload.name());
        }
        json.put("url", String.join(",", urls)).put("model", askedModel).put("endpoint", workload.endpoint());
        switch (workload.prompt()) {
            case PromptPlan.Generated(var tokens, int prefixTokens, int prefixes) -> {
                put(json, "prompt_tokens", tokens);
                if (prefixTokens > 0) {
                    json.put("shared_prefix_tokens", prefixTokens).put("shared_prefixes", prefixes);
                }
            }
            case PromptPlan.FromFile(Path file, boolean repeat) ->
                json.put("prompts", file.toString()).put("repeat", repeat);
        }
        workload.output().ifPresent(tokens -> put(json, "output_tokens", tokens));
        if (!workload.exactOutput()) {
            json.put("exact_output", false);
        }
        if (workload.turns().most() > 1) {
            put(json, "turns", workload.turns());
            json.put("think_time_s", workload.thinkTime().toNanos() / 1e9);
        }
        sampling(json);
        json.put("seed", workload.seed());
        switch (workload.load()) {
            case LoadShape.Users(int count, Duration rampUp) -> {
                json.put("concurrency", count);
                if (!rampUp.isZero()) {
                    json.put("ramp_up_s", rampUp.toNanos() / 1e9);
                }
            }
            case LoadShape.Rate(double rate, double burstiness, int mostInFlight) ->
                json.put("rate", rate)
                        .put("burstiness", Double.toString(burstiness))
                        .put("max_in_flight", mostInFlight);
            case LoadShape.Replay(double speed, int mostInFlight) ->
                json.put("replay_speed", speed).put("max_in_flight", mostInFlight);
        }
        switch (workload.extent()) {
            case Extent.Requests(int count) -> json.put("requests", count);
            case Extent.Lasting(Duration duration) -> json.put("duration_s", duration.toNanos() / 1e9);
            case Extent.Endless() -> json.put("duration_s", "endless");
        }
        return json;
    }

    private static void put(ObjectNode json, String key, LengthDistribution lengths) {
        if (lengths instanceof LengthDistribution.Fixed(int tokens)) {
            json.put(key, tokens);
        } else {
            json.put(key, lengths.text());
        }
    }

    private void sampling(ObjectNode json) {
        var sampling = workload.sampling();
        json.put("temperature", sampling.temperature());
        sampling.topP().ifPresent(value -> json.put("top_p", value));
        sampling.topK().ifPresent(value -> json.put("top_k", value));
        sampling.minP().ifPresent(value -> json.put("min_p", value));
        sampling.logprobs().ifPresent(value -> json.put("logprobs", value));
        sampling.seed().ifPresent(value -> json.put("sampling_seed", value));
    }
}
