package bestfit.report;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.load.EventLog;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.MeanEstimate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A result in a file: what {@code bestfit bench --json} printed, its events, or what {@code vllm bench serve
 * --save-result} wrote.
 *
 * @param tool that measured
 * @param times means by our names, in milliseconds; vLLM's TTFT is our first response
 */
public record BenchFile(Path file, String tool, SequencedMap<String, MeanEstimate> times) {
    /** @throws ConfigException if it is none of these */
    public static BenchFile read(Path file) {
        try {
            var lines = Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            if (!lines.isEmpty() && lines.getFirst().startsWith("{\"bestfit_events\"")) {
                return new BenchFile(file, "bestfit", ofEvents(file));
            }
            // progress or other output may stand before the object
            var json = Json.parse(
                    lines.size() > 1 && lines.getLast().startsWith("{") ? lines.getLast() : String.join("\n", lines));
            var times = json.has("verdict") ? ofBestfit(json.path("metrics")) : ofVllm(json);
            if (!times.isEmpty()) {
                return new BenchFile(file, json.has("verdict") ? "bestfit" : "vllm", times);
            }
        } catch (IOException e) {
            throw new ConfigException("File " + file + " cannot be read: "
                    + (Files.exists(file) ? e.getMessage() : "it does not exist") + ".");
        } catch (JacksonException notJson) {
            throw unknown(file);
        }
        throw unknown(file);
    }

    private static ConfigException unknown(Path file) {
        return new ConfigException(
                "File " + file
                        + " is no result with at least two successes: it takes what bench --json printed, an events file, or vLLM's --save-result.");
    }

    private static SequencedMap<String, MeanEstimate> ofEvents(Path file) {
        var times = new LinkedHashMap<String, MeanEstimate>();
        BenchMetrics.of(EventLog.read(file).measurements()).times().forEach((name, d) -> {
            if (!Double.isNaN(d.low()) && isCompared(name)) {
                times.put(name, MeanEstimate.ofInterval(d.mean(), d.low(), d.high(), d.count()));
            }
        });
        return times;
    }

    private static SequencedMap<String, MeanEstimate> ofBestfit(JsonNode metrics) {
        var times = new LinkedHashMap<String, MeanEstimate>();
        metrics.properties().forEach(metric -> {
            var d = metric.getValue();
            if (isCompared(metric.getKey())
                    && d.path("low").isNumber()
                    && d.path("n").asInt() > 1) {
                times.put(
                        metric.getKey(),
                        MeanEstimate.ofInterval(
                                d.path("mean").asDouble(),
                                d.path("low").asDouble(),
                                d.path("high").asDouble(),
                                d.path("n").asInt()));
            }
        });
        return times;
    }

    /** Gaps depend on each other; their mean is TPOT again. */
    private static boolean isCompared(String name) {
        return switch (name) {
            case "ttft_ms", "first_response_ms", "tpot_ms", "e2e_ms" -> true;
            default -> false;
        };
    }

    private static SequencedMap<String, MeanEstimate> ofVllm(JsonNode json) {
        var times = new LinkedHashMap<String, MeanEstimate>();
        int count = json.path("completed").asInt(0);
        addVllm(times, json, "ttft", "first_response_ms", count);
        addVllm(times, json, "tpot", "tpot_ms", count);
        addVllm(times, json, "e2el", "e2e_ms", count);
        return times;
    }

    private static void addVllm(
            SequencedMap<String, MeanEstimate> times, JsonNode json, String theirs, String ours, int count) {
        var mean = json.path("mean_" + theirs + "_ms");
        var sd = json.path("std_" + theirs + "_ms");
        if (mean.isNumber() && sd.isNumber() && count > 1) {
            times.put(ours, new MeanEstimate(mean.asDouble(), sd.asDouble() / Math.sqrt(count - 1.0), count));
        }
    }
}
