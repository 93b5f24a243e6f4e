package bestfit.report;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.config.Json;
import bestfit.load.ServerCounters;
import bestfit.load.ServerWatch;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Measurement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Client and server compared: what each counted of the same requests, and what a gap means. */
record Reconciliation(ServerWatch.Seen server, List<Measurement> client) {
    private static final double TOKENS_ALIKE = 0.001;
    private static final double FLIGHT_ALIKE = 0.1;

    private record Pair(String name, double client, Optional<Double> server, String gap) {
        Optional<Double> difference() {
            return server.map(theirs -> client - theirs);
        }
    }

    private List<Pair> pairs() {
        var all = BenchMetrics.of(client);
        double input = client.stream().mapToLong(Measurement::inputTokens).sum();
        var pairs = new ArrayList<Pair>();
        pairs.add(new Pair(
                "input_tokens",
                input,
                server.growth("prompt_tokens_total"),
                "requests that failed, or of others, are in the server's sum only"));
        pairs.add(new Pair(
                "output_tokens",
                received(),
                server.growth("generation_tokens_total"),
                "requests that failed, or of others, are in the server's sum only"));
        pairs.add(new Pair(
                "ttft_ms",
                all.anySuccess() ? all.ttftMillis().mean() : 0,
                mean("time_to_first_token_seconds"),
                "network, the server's HTTP and what it does before its own clock starts"));
        pairs.add(new Pair(
                "e2e_ms",
                all.anySuccess() ? all.e2eMillis().mean() : 0,
                mean("e2e_request_latency_seconds"),
                "network, the server's HTTP and what it does before its own clock starts"));
        pairs.add(new Pair(
                "in_flight",
                inFlightWhereSeen(),
                inServer(),
                "requests on their way to the engine or back, or of others; the server is looked at once a second"));
        return pairs;
    }

    private Optional<Double> mean(String histogram) {
        var count = server.growth(histogram + "_count");
        return server.growth(histogram + "_sum")
                .filter(_ -> count.orElse(0.0) > 0)
                .map(sum -> 1000 * sum / count.orElse(1.0));
    }

    private Optional<Double> inServer() {
        var sums = server.during().stream()
                .filter(each -> each.value("num_requests_running").isPresent())
                .mapToDouble(each -> each.value("num_requests_running").orElse(0.0)
                        + each.value("num_requests_waiting").orElse(0.0))
                .average();
        return sums.isPresent() ? Optional.of(sums.getAsDouble()) : Optional.empty();
    }

    /** Under way by the client's own times, at the moments at which the server was looked at. */
    private double inFlightWhereSeen() {
        return server.during().stream()
                .mapToLong(ServerCounters::nanos)
                .mapToDouble(at -> client.stream()
                        .filter(m -> m.sentNanos() != NEVER && m.sentNanos() <= at && m.endNanos() > at)
                        .count())
                .average()
                .orElse(0);
    }

    /** Share of the prompts' tokens that came from the prefix cache; empty where the server does not tell. */
    Optional<Double> prefixHits() {
        var queries = server.growth("prefix_cache_queries_total", "gpu_prefix_cache_queries_total");
        return server.growth("prefix_cache_hits_total", "gpu_prefix_cache_hits_total")
                .filter(_ -> queries.orElse(0.0) > 0)
                .map(hits -> hits / queries.orElse(1.0));
    }

    /** Requests a second times their mean time, and what the server holds in the mean. */
    private double littlesLaw() {
        return BenchMetrics.meanInFlight(client);
    }

    ObjectNode json() {
        var json = Json.object();
        for (var pair : pairs()) {
            var one = json.putObject(pair.name()).put("client", rounded(pair.client()));
            pair.server()
                    .ifPresentOrElse(
                            theirs -> one.put("server", rounded(theirs)).put("gap", rounded(pair.client() - theirs)),
                            () -> one.putNull("server"));
        }
        json.put("littles_law_in_flight", rounded(littlesLaw()));
        prefixHits().ifPresent(share -> json.put("prefix_cache_hit_share", rounded(share)));
        return json;
    }

    /** False where a balanced port showed one of several engines all along: a server counts what it failed too, so never less. */
    boolean whole() {
        return told() >= (1 - TOKENS_ALIKE) * received();
    }

    private double told() {
        return server.growth("generation_tokens_total").orElse(Double.MAX_VALUE);
    }

    private double received() {
        return client.stream().mapToLong(Measurement::outputTokens).sum();
    }

    /** Sentences for gaps that matter. */
    List<String> notes(boolean hitsExpected) {
        var notes = new ArrayList<String>();
        if (!whole()) {
            notes.add(String.format(
                    Locale.ROOT,
                    "The server's counters tell %.0f of the %.0f output tokens: behind this address are several engines, and one of "
                            + "them told; give the engines' own addresses to have all compared.",
                    told(),
                    received()));
            return notes;
        }
        for (var pair : pairs()) {
            double difference = Math.abs(pair.difference().orElse(0.0));
            double bound = switch (pair.name()) {
                case "input_tokens", "output_tokens" -> TOKENS_ALIKE * pair.client();
                case "in_flight" -> Math.max(1, FLIGHT_ALIKE * pair.client());
                default -> Math.max(2, FLIGHT_ALIKE * pair.client());
            };
            if (difference > bound) {
                notes.add(String.format(
                        Locale.ROOT,
                        "%s: %.1f by the client, %.1f by the server: %s.",
                        pair.name(),
                        pair.client(),
                        pair.server().orElse(0.0),
                        pair.gap()));
            }
        }
        prefixHits()
                .filter(share -> !hitsExpected && share > 0.05)
                .ifPresent(share -> notes.add(String.format(
                        Locale.ROOT,
                        "%.0f %% of the prompt tokens came from the server's prefix cache, though no prompts share a"
                                + " beginning: other requests, or a run before with the same --seed, filled it.",
                        100 * share)));
        return notes;
    }

    private static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }
}
