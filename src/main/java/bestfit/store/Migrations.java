package bestfit.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * The schema, as the steps that lead to it. A step that was released is never changed; a new one is added at the end.
 * {@code PRAGMA user_version} counts the steps taken.
 */
final class Migrations {
    /**
     * Raw timings of each request. {@code measurement_id} is its row in compressa-perf's table; null for warm-up, which
     * must not count there. {@code start_ns} is on the client's monotonic clock, the other times are after it.
     */
    private static final List<String> REQUESTS = List.of(
            """
            CREATE TABLE bestfit_requests (
                id INTEGER PRIMARY KEY,
                experiment_id INTEGER NOT NULL REFERENCES Experiments(id),
                measurement_id INTEGER REFERENCES Measurements(id),
                request_index INTEGER NOT NULL,
                block INTEGER NOT NULL,
                started_epoch_us INTEGER NOT NULL,
                start_ns INTEGER NOT NULL,
                intended_after_ns INTEGER,
                sent_after_ns INTEGER,
                first_content_after_ns INTEGER,
                first_token_after_ns INTEGER,
                last_token_after_ns INTEGER,
                end_after_ns INTEGER NOT NULL,
                input_tokens INTEGER NOT NULL,
                output_tokens INTEGER NOT NULL,
                failure TEXT,
                chunk_gaps BLOB NOT NULL
            )""",
            "CREATE INDEX bestfit_requests_by_experiment ON bestfit_requests(experiment_id, block)",
            "CREATE INDEX bestfit_measurements_by_experiment ON Measurements(experiment_id)");

    private static final List<List<String>> STEPS =
            List.of(CompressaSchema.STEP, REQUESTS, CampaignTables.STEP, CampaignTables.GPUS, CampaignTables.ENGINE);

    private Migrations() {}

    static int newest() {
        return STEPS.size();
    }

    /** Takes the steps still missing; to be called within a transaction. */
    static void apply(Connection connection) throws SQLException {
        try (var statement = connection.createStatement()) {
            int taken = version(connection);
            for (var step : STEPS.subList(taken, STEPS.size())) {
                for (var sql : step) {
                    statement.execute(sql);
                }
            }
            statement.execute("PRAGMA user_version = " + STEPS.size());
            statement.execute("PRAGMA application_id = " + Database.APPLICATION_ID);
        }
    }

    static int version(Connection connection) throws SQLException {
        return pragma(connection, "user_version");
    }

    static int pragma(Connection connection, String name) throws SQLException {
        try (var statement = connection.createStatement();
                var result = statement.executeQuery("PRAGMA " + name)) {
            return result.getInt(1);
        }
    }
}
