package bestfit.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An experiment as stored in compressa-perf's tables.
 *
 * @param date UTC, "yyyy-MM-dd HH:mm:ss"
 * @param parameters in the order written; a key may occur twice in compressa-perf's databases
 * @param metrics in the order written; empty for an experiment that did not end
 */
public record Experiment(
        long id,
        String name,
        String date,
        @Nullable String description,
        List<Parameter> parameters,
        List<Metric> metrics) {
    public record Parameter(String key, String value) {}

    public record Metric(String name, double value) {
        /** Of a part of a stress test; what is computed again is of the whole. */
        public boolean isOfWindow() {
            return name.contains("_window_");
        }
    }

    public Experiment {
        parameters = List.copyOf(parameters);
        metrics = List.copyOf(metrics);
    }

    public Experiment withMetrics(List<Metric> others) {
        return new Experiment(id, name, date, description, parameters, others);
    }
}
