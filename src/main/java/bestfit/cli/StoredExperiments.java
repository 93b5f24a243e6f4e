package bestfit.cli;

import bestfit.config.Json;
import bestfit.metrics.CompressaMetrics;
import bestfit.store.Experiment;
import bestfit.store.Experiment.Metric;
import bestfit.store.ExperimentStore;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** Reads experiments for list and report. Recomputed metrics of our own are kept, of compressa-perf's only shown. */
final class StoredExperiments {
    private StoredExperiments() {}

    static List<Experiment> all(ExperimentStore store, DatabaseOption database, boolean recompute) {
        var found = store.all();
        return recompute ? recomputed(store, database, found) : found;
    }

    static Optional<Experiment> find(ExperimentStore store, DatabaseOption database, long id, boolean recompute) {
        var found = store.find(id).stream().toList();
        return (recompute ? recomputed(store, database, found) : found).stream().findFirst();
    }

    static ObjectNode json(Experiment experiment) {
        var json = Json.object();
        json.put("experiment_id", experiment.id());
        json.put("name", experiment.name());
        json.put("date", experiment.date());
        json.put("description", experiment.description());
        var parameters = json.putObject("parameters");
        experiment.parameters().forEach(p -> parameters.put(p.key(), p.value()));
        var metrics = json.putObject("metrics");
        experiment.metrics().forEach(m -> metrics.put(m.name(), m.value()));
        return json;
    }

    private static List<Experiment> recomputed(
            ExperimentStore store, DatabaseOption database, List<Experiment> experiments) {
        var ours = experiments.stream().filter(e -> store.isOurs(e.id())).toList();
        if (!ours.isEmpty()) {
            try (var open = database.open()) {
                var writing = new ExperimentStore(open);
                ours.forEach(e -> writing.finish(e.id(), metrics(store, e), Map.of()));
            }
        }
        return experiments.stream()
                .map(e -> e.withMetrics(Stream.concat(
                                e.metrics().stream().filter(Metric::isOfWindow),
                                metrics(store, e).entrySet().stream()
                                        .map(metric -> new Metric(metric.getKey(), metric.getValue())))
                        .toList()))
                .toList();
    }

    private static Map<String, Double> metrics(ExperimentStore store, Experiment experiment) {
        return CompressaMetrics.ofTimings(store.timings(experiment.id()));
    }
}
