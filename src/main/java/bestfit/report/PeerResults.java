package bestfit.report;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.config.ConfigException;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.MeanEstimate;
import bestfit.metrics.Measurement;
import bestfit.metrics.Proportion;
import bestfit.report.ResultFile.Tool;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** The JSON results of the load generators that are known, told apart by their keys. */
final class PeerResults {
    private static final Set<String> VERDICTS = Set.of("VALID", "INVALID");

    private PeerResults() {}

    /** Without figures if it is none of them. */
    static ResultFile read(Path file, JsonNode json) {
        var source = file.toString();
        if (VERDICTS.contains(json.path("verdict").asString(""))) {
            return ofBestfit(source, json);
        }
        if (json.has("benchmarks")) {
            if (json.path("benchmarks").size() > 1) {
                throw new ConfigException("it holds " + json.path("benchmarks").size()
                        + " benchmarks; give a file with the one to compare.");
            }
            var metrics = json.path("benchmarks").path(0).path("metrics");
            var totals = metrics.path("request_totals");
            return new ResultFile(
                    source,
                    Tool.GUIDELLM,
                    ofGuidellm(metrics),
                    failures(totals.path("successful"), totals.path("errored")));
        }
        if (json.has("time_to_first_token") || json.has("request_latency")) {
            var failures = failures(
                    json.path("request_count").path("avg"),
                    json.path("error_request_count").path("avg"));
            return new ResultFile(source, Tool.AIPERF, ofAiperf(json), failures);
        }
        if (json.path("ttft").has("mean")) {
            return new ResultFile(source, Tool.OTHER, ofPlain(json), Proportion.UNKNOWN);
        }
        return json.path("ttfts").isArray() && json.path("start_times").isArray()
                ? ResultFile.of(source, Tool.VLLM, vllmRequests(json))
                : new ResultFile(source, Tool.VLLM, ofVllm(json), vllmFailures(json));
    }

    /** Its older releases count successes only. */
    private static Proportion vllmFailures(JsonNode json) {
        long completed = json.path("completed").asLong(0);
        if (json.path("failed").isNumber() || !json.path("num_prompts").isNumber()) {
            return json.has("failed") ? failures(json.path("completed"), json.path("failed")) : Proportion.UNKNOWN;
        }
        long all = Math.max(completed, json.path("num_prompts").asLong(0));
        return new Proportion(all - completed, all);
    }

    private static Proportion failures(JsonNode successes, JsonNode failures) {
        long failed = Math.round(failures.asDouble(0));
        return new Proportion(failed, Math.round(successes.asDouble(0)) + failed);
    }

    private static ResultFile ofBestfit(String source, JsonNode json) {
        var counts = json.path("counts");
        long failed = counts.path("failed").properties().stream()
                .mapToLong(kind -> kind.getValue().asLong(0))
                .sum();
        var reasons = new ArrayList<String>();
        if (json.path("verdict").asString("").equals("INVALID")) {
            json.path("reasons").forEach(reason -> reasons.add(reason.asString("")));
            if (reasons.isEmpty()) {
                reasons.add("it does not say why.");
            }
        }
        return new ResultFile(
                source,
                Tool.BESTFIT,
                ofBestfit(json.path("metrics")),
                new Proportion(failed, counts.path("ok").asLong(0) + failed),
                List.copyOf(reasons));
    }

    private static SequencedMap<String, Figure> ofBestfit(JsonNode metrics) {
        var figures = new LinkedHashMap<String, Figure>();
        metrics.properties().forEach(metric -> {
            var d = metric.getValue();
            if (!Figure.isCompared(metric.getKey())
                    || !isFinite(d.path("mean"))
                    || !isFinite(d.path("low"))
                    || !isFinite(d.path("high"))) {
                return;
            }
            double mean = d.path("mean").asDouble();
            double low = d.path("low").asDouble();
            double high = d.path("high").asDouble();
            int count = d.path("n").asInt(0);
            if (count > 1) {
                figures.put(
                        metric.getKey(),
                        new Figure(
                                MeanEstimate.ofInterval(mean, low, high, count), number(d, "p50"), number(d, "p99")));
            } else if (count == 0) {
                figures.put(metric.getKey(), Figure.rate(mean, low, high));
            }
        });
        return figures;
    }

    /** Means without their spread: they can be judged, not compared. */
    private static SequencedMap<String, Figure> ofPlain(JsonNode json) {
        var figures = new LinkedHashMap<String, Figure>();
        for (var name : new String[] {"ttft", "tpot", "e2e"}) {
            var d = json.path(name);
            if (isFinite(d.path("mean"))) {
                var mean = new MeanEstimate(d.path("mean").asDouble(), Double.NaN, 1);
                figures.put(name + "_ms", new Figure(mean, number(d, "p50"), number(d, "p99")));
            }
        }
        return figures;
    }

    /** Its TTFT ends with the role chunk, which is our first response. */
    private static SequencedMap<String, Figure> ofVllm(JsonNode json) {
        var figures = new LinkedHashMap<String, Figure>();
        int count = json.path("completed").asInt(0);
        add(figures, "first_response_ms", json, "mean_ttft_ms", "std_ttft_ms", "p50_ttft_ms", "p99_ttft_ms", count);
        add(figures, "tpot_ms", json, "mean_tpot_ms", "std_tpot_ms", "p50_tpot_ms", "p99_tpot_ms", count);
        add(figures, "e2e_ms", json, "mean_e2el_ms", "std_e2el_ms", "p50_e2el_ms", "p99_e2el_ms", count);
        return figures;
    }

    /** The requests of {@code --save-detailed}; a failed one has no output. */
    private static List<Measurement> vllmRequests(JsonNode json) {
        var requests = new ArrayList<Measurement>();
        for (int i = 0; i < json.path("ttfts").size(); i++) {
            int output = json.path("output_lens").path(i).asInt();
            long start = nanos(json.path("start_times").path(i));
            long first = nanos(json.path("ttfts").path(i));
            var gaps = json.path("itls").path(i);
            var offsets = new long[gaps.size() + 1];
            offsets[0] = first;
            for (int gap = 0; gap < gaps.size(); gap++) {
                offsets[gap + 1] = offsets[gap] + nanos(gaps.path(gap));
            }
            long last = start + offsets[gaps.size()];
            boolean ok = output > 0;
            requests.add(new Measurement(
                    i,
                    0,
                    start,
                    start,
                    start,
                    ok ? start + first : NEVER,
                    ok ? start + first : NEVER,
                    ok ? last : NEVER,
                    last,
                    json.path("input_lens").path(i).asInt(),
                    output,
                    ok ? null : "other: " + json.path("errors").path(i).asString(""),
                    start / 1000,
                    ChunkTimes.of(offsets, offsets.length)));
        }
        return requests;
    }

    private static long nanos(JsonNode seconds) {
        return Math.round(seconds.asDouble() * 1e9);
    }

    /** Its inter-token latency is (last - first) / (tokens - 1), our TPOT; what it calls TPOT contains the first token. */
    private static SequencedMap<String, Figure> ofGuidellm(JsonNode metrics) {
        var figures = new LinkedHashMap<String, Figure>();
        addGuidellm(figures, "ttft_ms", metrics.path("time_to_first_token_ms"), 1);
        addGuidellm(figures, "tpot_ms", metrics.path("inter_token_latency_ms"), 1);
        addGuidellm(figures, "e2e_ms", metrics.path("request_latency"), 1000);
        int requests =
                metrics.path("request_latency").path("successful").path("count").asInt(0);
        var tpot = figures.get("tpot_ms");
        if (tpot != null && requests > 1) { // weighted by tokens, so its count is not one of independent values
            var sd = metrics.path("inter_token_latency_ms")
                    .path("successful")
                    .path("std_dev")
                    .asDouble();
            figures.put(
                    "tpot_ms",
                    new Figure(
                            new MeanEstimate(tpot.estimate().mean(), sd / Math.sqrt(requests - 1.0), requests),
                            tpot.p50(),
                            tpot.p99()));
        }
        return figures;
    }

    private static void addGuidellm(SequencedMap<String, Figure> figures, String ours, JsonNode metric, double factor) {
        var d = metric.path("successful");
        int count = d.path("count").asInt(0);
        if (count > 1 && isFinite(d.path("mean")) && isFinite(d.path("std_dev"))) {
            figures.put(
                    ours,
                    new Figure(
                            new MeanEstimate(
                                    factor * d.path("mean").asDouble(),
                                    factor * d.path("std_dev").asDouble() / Math.sqrt(count - 1.0),
                                    count),
                            factor * number(d.path("percentiles"), "p50"),
                            factor * number(d.path("percentiles"), "p99")));
        }
    }

    /** Its inter-token latency is (last content - first) / (tokens - 1), our TPOT. */
    private static SequencedMap<String, Figure> ofAiperf(JsonNode json) {
        var figures = new LinkedHashMap<String, Figure>();
        int count = (int) json.path("request_count").path("avg").asDouble(0);
        add(figures, "ttft_ms", json.path("time_to_first_token"), "avg", "std", "p50", "p99", count);
        add(figures, "tpot_ms", json.path("inter_token_latency"), "avg", "std", "p50", "p99", count);
        add(figures, "e2e_ms", json.path("request_latency"), "avg", "std", "p50", "p99", count);
        return figures;
    }

    private static void add(
            SequencedMap<String, Figure> figures,
            String ours,
            JsonNode json,
            String mean,
            String sd,
            String p50,
            String p99,
            int count) {
        if (isFinite(json.path(mean)) && isFinite(json.path(sd)) && count > 1) {
            double millis = millisPer(json.path("unit").asString("ms"));
            figures.put(
                    ours,
                    new Figure(
                            new MeanEstimate(
                                    millis * json.path(mean).asDouble(),
                                    millis * json.path(sd).asDouble() / Math.sqrt(count - 1.0),
                                    count),
                            millis * number(json, p50),
                            millis * number(json, p99)));
        }
    }

    /** aiperf names the unit of each metric, and has changed some. */
    private static double millisPer(String unit) {
        return switch (unit) {
            case "ns" -> 1e-6;
            case "us" -> 1e-3;
            case "sec", "s" -> 1e3;
            case "ms" -> 1;
            default -> throw new ConfigException("unit \"" + unit + "\" is not known; it takes ns, us, ms or s.");
        };
    }

    /** JSON has no infinity, but a number that no double holds reads as one. */
    private static boolean isFinite(JsonNode number) {
        return number.isNumber() && Double.isFinite(number.asDouble(Double.NaN));
    }

    private static double number(JsonNode json, String key) {
        return json.path(key).isNumber() ? json.path(key).asDouble() : Double.NaN;
    }
}
