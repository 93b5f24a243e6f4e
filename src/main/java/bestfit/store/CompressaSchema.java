package bestfit.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** compressa-perf's four tables, column for column; the same in 0.2.5 and 0.2.8. */
final class CompressaSchema {
    static final List<String> STEP = List.of("""
            CREATE TABLE IF NOT EXISTS Experiments (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                experiment_name TEXT NOT NULL,
                experiment_date DATETIME DEFAULT CURRENT_TIMESTAMP,
                description TEXT
            )""", """
            CREATE TABLE IF NOT EXISTS Parameters (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                experiment_id INTEGER NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                FOREIGN KEY (experiment_id) REFERENCES Experiments(id)
            )""", """
            CREATE TABLE IF NOT EXISTS Metrics (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                experiment_id INTEGER NOT NULL,
                metric_name TEXT NOT NULL,
                metric_value REAL NOT NULL,
                timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
                FOREIGN KEY (experiment_id) REFERENCES Experiments(id)
            )""", """
            CREATE TABLE IF NOT EXISTS Measurements (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                experiment_id INTEGER NOT NULL,
                n_input INTEGER NOT NULL,
                n_output INTEGER NOT NULL,
                ttft REAL NOT NULL,
                start_time REAL NOT NULL,
                end_time REAL NOT NULL,
                status TEXT NOT NULL,
                FOREIGN KEY (experiment_id) REFERENCES Experiments(id)
            )""");

    private static final SortedMap<String, Set<String>> COLUMNS = new TreeMap<>(Map.of(
            "Experiments", Set.of("id", "experiment_name", "experiment_date", "description"),
            "Parameters", Set.of("id", "experiment_id", "key", "value"),
            "Metrics", Set.of("id", "experiment_id", "metric_name", "metric_value", "timestamp"),
            "Measurements",
                    Set.of("id", "experiment_id", "n_input", "n_output", "ttft", "start_time", "end_time", "status")));

    private CompressaSchema() {}

    static boolean isIn(Set<String> tables) {
        return tables.containsAll(COLUMNS.keySet());
    }

    /** The first table whose rows cannot be read or added to, and why; empty if all can. */
    static Optional<String> difference(Connection connection) throws SQLException {
        for (var expected : COLUMNS.entrySet()) {
            var found = columns(connection, expected.getKey());
            var missing = new TreeSet<>(expected.getValue());
            missing.removeAll(found.keySet());
            if (!missing.isEmpty()) {
                return Optional.of("its table " + expected.getKey() + " lacks " + String.join(", ", missing));
            }
            found.keySet().removeAll(expected.getValue());
            found.values().removeIf(required -> !required);
            if (!found.isEmpty()) {
                return Optional.of(
                        "its table " + expected.getKey() + " also requires " + String.join(", ", found.keySet()));
            }
        }
        return Optional.empty();
    }

    /** Each column, and whether a row must give it a value. */
    private static Map<String, Boolean> columns(Connection connection, String table) throws SQLException {
        var found = new LinkedHashMap<String, Boolean>();
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("PRAGMA table_info(" + table + ")")) {
            while (rows.next()) {
                found.put(rows.getString("name"), rows.getBoolean("notnull") && rows.getString("dflt_value") == null);
            }
        }
        return found;
    }
}
