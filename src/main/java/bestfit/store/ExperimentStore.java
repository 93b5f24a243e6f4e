package bestfit.store;

import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.metrics.RequestTiming;
import bestfit.store.Experiment.Metric;
import bestfit.store.Experiment.Parameter;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Experiments in compressa-perf's tables, with each request's raw timings beside. Thread-safe. */
public final class ExperimentStore {
    /** compressa-perf's reader fails on fractions of a second. */
    private static final DateTimeFormatter LOCAL_TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    private final Database database;

    public ExperimentStore(Database database) {
        this.database = database;
    }

    /** Writes a new experiment with what is known before its first request; gives its id. */
    public long begin(String name, @Nullable String description, Map<String, String> parameters) {
        return database.transaction(connection -> {
            long id = insertExperiment(connection, name, description);
            insertParameters(connection, id, parameters);
            return id;
        });
    }

    /** Writes measurements of an experiment; those of a warm-up (block -1) do not show in compressa-perf's table. */
    public MeasurementSink sink(long experimentId) {
        return measurements -> database.transaction(connection -> {
            for (var measurement : measurements) {
                RequestRows.insert(connection, experimentId, measurement);
            }
            return true;
        });
    }

    /** Writes the metrics in place of those there, save those of a stress test's windows, and parameters known only after the run. */
    public void finish(long experimentId, Map<String, Double> metrics, Map<String, String> parameters) {
        database.transaction(connection -> {
            replaceMetrics(connection, experimentId, metrics);
            insertParameters(connection, experimentId, parameters);
            return true;
        });
    }

    /** Adds the metrics and parameters of a stress test's window, under names that end in {@code _window_K}. */
    public void addWindow(long experimentId, int window, Map<String, Double> metrics, Map<String, Double> parameters) {
        database.transaction(connection -> {
            var named = new LinkedHashMap<String, Double>();
            metrics.forEach((name, value) -> named.put(name + "_window_" + window, value));
            insertMetrics(connection, experimentId, named);
            var texts = new LinkedHashMap<String, String>();
            parameters.forEach((key, value) -> texts.put(key + "_window_" + window, value.toString()));
            insertParameters(connection, experimentId, texts);
            return true;
        });
    }

    /** All experiments, the newest first. */
    public List<Experiment> all() {
        return database.read(connection -> {
            var found = new ArrayList<Experiment>();
            try (var select = connection.prepareStatement(
                            "SELECT id, experiment_name, experiment_date, description FROM Experiments ORDER BY experiment_date DESC, id DESC");
                    var rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(experiment(connection, rows));
                }
            }
            return found;
        });
    }

    public Optional<Experiment> find(long id) {
        return database.read(connection -> {
            try (var select = connection.prepareStatement(
                    "SELECT id, experiment_name, experiment_date, description FROM Experiments WHERE id = ?")) {
                select.setLong(1, id);
                try (var rows = select.executeQuery()) {
                    return rows.next() ? Optional.of(experiment(connection, rows)) : Optional.empty();
                }
            }
        });
    }

    /** Raw measurements with warm-up, in the order they ended; empty for an experiment of compressa-perf. */
    public List<Measurement> measurements(long experimentId) {
        return database.hasTable("bestfit_requests")
                ? database.read(connection -> RequestRows.select(connection, experimentId))
                : List.of();
    }

    /** Whether bestfit measured it, and not compressa-perf. */
    public boolean isOurs(long experimentId) {
        return database.hasTable("bestfit_requests")
                && database.read(connection -> RequestRows.any(connection, experimentId));
    }

    /** Every request that counts, as compressa-perf sees it; of compressa-perf's experiments too. */
    public List<RequestTiming> timings(long experimentId) {
        var measured = measurements(experimentId).stream()
                .filter(measurement -> measurement.block() >= 0)
                .map(Measurement::timing)
                .toList();
        return measured.isEmpty() ? timingsUpTo(experimentId, Double.MAX_VALUE) : measured;
    }

    /** Every request that ended up to a Unix time, as compressa-perf's table holds it. */
    public List<RequestTiming> timingsUpTo(long experimentId, double endSeconds) {
        return database.read(connection -> compressaTimings(connection, experimentId, endSeconds));
    }

    private static long insertExperiment(Connection connection, String name, @Nullable String description)
            throws SQLException {
        try (var insert = connection.prepareStatement(
                "INSERT INTO Experiments (experiment_name, description) VALUES (?, ?) RETURNING id")) {
            insert.setString(1, name);
            insert.setString(2, description);
            try (var row = insert.executeQuery()) {
                return row.getLong(1);
            }
        }
    }

    private static void insertParameters(Connection connection, long id, Map<String, String> parameters)
            throws SQLException {
        try (var insert =
                connection.prepareStatement("INSERT INTO Parameters (experiment_id, key, value) VALUES (?, ?, ?)")) {
            for (var parameter : parameters.entrySet()) {
                insert.setLong(1, id);
                insert.setString(2, parameter.getKey());
                insert.setString(3, parameter.getValue());
                insert.executeUpdate();
            }
        }
    }

    private static void replaceMetrics(Connection connection, long id, Map<String, Double> metrics)
            throws SQLException {
        try (var delete = connection.prepareStatement(
                "DELETE FROM Metrics WHERE experiment_id = ? AND metric_name NOT GLOB '*_window_*'")) {
            delete.setLong(1, id);
            delete.executeUpdate();
        }
        insertMetrics(connection, id, metrics);
    }

    private static void insertMetrics(Connection connection, long id, Map<String, Double> metrics) throws SQLException {
        var now = LOCAL_TIME.format(LocalDateTime.now(ZoneId.systemDefault()));
        try (var insert = connection.prepareStatement(
                "INSERT INTO Metrics (experiment_id, metric_name, metric_value, timestamp) VALUES (?, ?, ?, ?)")) {
            for (var metric : metrics.entrySet()) {
                insert.setLong(1, id);
                insert.setString(2, metric.getKey());
                insert.setDouble(3, metric.getValue());
                insert.setString(4, now);
                insert.executeUpdate();
            }
        }
    }

    private static Experiment experiment(Connection connection, ResultSet row) throws SQLException {
        long id = row.getLong(1);
        return new Experiment(
                id,
                row.getString(2),
                row.getString(3),
                row.getString(4),
                parameters(connection, id),
                metrics(connection, id));
    }

    private static List<Parameter> parameters(Connection connection, long id) throws SQLException {
        var found = new ArrayList<Parameter>();
        try (var select =
                connection.prepareStatement("SELECT key, value FROM Parameters WHERE experiment_id = ? ORDER BY id")) {
            select.setLong(1, id);
            try (var rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(new Parameter(rows.getString(1), rows.getString(2)));
                }
            }
        }
        return found;
    }

    private static List<Metric> metrics(Connection connection, long id) throws SQLException {
        var found = new ArrayList<Metric>();
        try (var select = connection.prepareStatement(
                "SELECT metric_name, metric_value FROM Metrics WHERE experiment_id = ? ORDER BY id")) {
            select.setLong(1, id);
            try (var rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(new Metric(rows.getString(1), rows.getDouble(2)));
                }
            }
        }
        return found;
    }

    private static List<RequestTiming> compressaTimings(Connection connection, long id, double endSeconds)
            throws SQLException {
        var found = new ArrayList<RequestTiming>();
        try (var select = connection.prepareStatement(
                "SELECT start_time, end_time, ttft, n_input, n_output, status FROM Measurements WHERE experiment_id = ? AND end_time <= ? ORDER BY id")) {
            select.setLong(1, id);
            select.setDouble(2, endSeconds);
            try (var rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(new RequestTiming(
                            rows.getDouble(1),
                            rows.getDouble(2),
                            rows.getDouble(3),
                            Double.NaN,
                            rows.getInt(4),
                            rows.getInt(5),
                            "success".equals(rows.getString(6))));
                }
            }
        }
        return found;
    }
}
