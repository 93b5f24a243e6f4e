package bestfit.cli;

import bestfit.config.Json;
import bestfit.load.LoadResult;
import bestfit.metrics.Measurement;
import bestfit.metrics.RequestFailure;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/** What measuring one experiment gave. */
record MeasureOutcome(long experimentId, String name, LoadResult result, SequencedMap<String, Double> metrics) {
    boolean anySuccess() {
        return result.measurements().stream().anyMatch(Measurement::succeeded);
    }

    /** Failures as they were seen, each once. */
    List<String> failures() {
        return result.measurements().stream()
                .map(Measurement::failure)
                .flatMap(java.util.stream.Stream::ofNullable)
                .distinct()
                .toList();
    }

    ObjectNode json() {
        var json = Json.object();
        json.put("experiment_id", experimentId);
        json.put("name", name);
        json.put("verdict", result.selfCheck().verdict());
        var reasons = json.putArray("reasons");
        result.selfCheck().reasons().forEach(reasons::add);
        var values = json.putObject("metrics");
        metrics.forEach(values::put);
        var counts = json.putObject("counts");
        counts.put(
                "ok",
                result.measurements().stream().filter(Measurement::succeeded).count());
        var failed = counts.putObject("failed");
        failuresByKind().forEach(failed::put);
        var instrument = json.putObject("instrument");
        instrument.put("send_lag_ms", result.selfCheck().sendLagMillis());
        if (Double.isFinite(result.selfCheck().cpuShare())) {
            instrument.put("read_lag_ms", result.selfCheck().readLagMillis());
            instrument.put("cpu_share", result.selfCheck().cpuShare());
        }
        return json;
    }

    private TreeMap<String, Integer> failuresByKind() {
        var counts = new TreeMap<String, Integer>();
        for (var measurement : result.measurements()) {
            var failure = measurement.failure();
            if (failure != null) {
                counts.merge(RequestFailure.labelOf(failure), 1, Integer::sum);
            }
        }
        return counts;
    }
}
