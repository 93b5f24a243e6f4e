package bestfit.store;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;

/** Measurements as rows: compressa-perf's own, and ours with the raw timings. */
final class RequestRows {
    private static final String INSERT_COMPRESSA = """
            INSERT INTO Measurements (experiment_id, n_input, n_output, ttft, start_time, end_time, status)
            VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id""";
    private static final String COLUMNS = """
            request_index, block, started_epoch_us, start_ns, intended_after_ns, sent_after_ns, first_content_after_ns,
            first_token_after_ns, last_token_after_ns, end_after_ns, input_tokens, output_tokens, failure, chunk_gaps""";
    private static final String INSERT = "INSERT INTO bestfit_requests (experiment_id, measurement_id, " + COLUMNS
            + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    private static final String SELECT =
            "SELECT " + COLUMNS + " FROM bestfit_requests WHERE experiment_id = ? ORDER BY id";

    private RequestRows() {}

    static void insert(Connection connection, long experimentId, Measurement measurement) throws SQLException {
        try (var insert = connection.prepareStatement(INSERT)) {
            insert.setLong(1, experimentId);
            if (measurement.block() >= 0) {
                insert.setLong(2, insertCompressa(connection, experimentId, measurement));
            } else {
                insert.setNull(2, Types.INTEGER);
            }
            insert.setInt(3, measurement.index());
            insert.setInt(4, measurement.block());
            insert.setLong(5, measurement.startedAtEpochMicros());
            insert.setLong(6, measurement.startNanos());
            setAfterStart(insert, 7, measurement, measurement.intendedNanos());
            setAfterStart(insert, 8, measurement, measurement.sentNanos());
            setAfterStart(insert, 9, measurement, measurement.firstContentNanos());
            setAfterStart(insert, 10, measurement, measurement.firstTokenNanos());
            setAfterStart(insert, 11, measurement, measurement.lastTokenNanos());
            setAfterStart(insert, 12, measurement, measurement.endNanos());
            insert.setInt(13, measurement.inputTokens());
            insert.setInt(14, measurement.outputTokens());
            insert.setString(15, measurement.failure());
            insert.setBytes(16, measurement.chunks().toBytes());
            insert.executeUpdate();
        }
    }

    static List<Measurement> select(Connection connection, long experimentId) throws SQLException {
        var found = new ArrayList<Measurement>();
        try (var select = connection.prepareStatement(SELECT)) {
            select.setLong(1, experimentId);
            try (var rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(measurement(rows));
                }
            }
        }
        return found;
    }

    static boolean any(Connection connection, long experimentId) throws SQLException {
        try (var select =
                connection.prepareStatement("SELECT 1 FROM bestfit_requests WHERE experiment_id = ? LIMIT 1")) {
            select.setLong(1, experimentId);
            try (var row = select.executeQuery()) {
                return row.next();
            }
        }
    }

    private static Measurement measurement(ResultSet row) throws SQLException {
        long start = row.getLong(4);
        return new Measurement(
                row.getInt(1),
                row.getInt(2),
                afterStart(row, 5, start),
                start,
                afterStart(row, 6, start),
                afterStart(row, 7, start),
                afterStart(row, 8, start),
                afterStart(row, 9, start),
                afterStart(row, 10, start),
                row.getInt(11),
                row.getInt(12),
                row.getString(13),
                row.getLong(3),
                ChunkTimes.fromBytes(row.getBytes(14)));
    }

    private static long insertCompressa(Connection connection, long experimentId, Measurement measurement)
            throws SQLException {
        var timing = measurement.timing();
        try (var insert = connection.prepareStatement(INSERT_COMPRESSA)) {
            insert.setLong(1, experimentId);
            insert.setInt(2, timing.inputTokens());
            insert.setInt(3, timing.outputTokens());
            insert.setDouble(4, timing.ttftSeconds());
            insert.setDouble(5, timing.startSeconds());
            insert.setDouble(6, timing.endSeconds());
            insert.setString(7, timing.succeeded() ? "success" : "failed");
            try (var row = insert.executeQuery()) {
                return row.getLong(1);
            }
        }
    }

    private static void setAfterStart(PreparedStatement insert, int column, Measurement measurement, long nanos)
            throws SQLException {
        if (nanos == NEVER) {
            insert.setNull(column, Types.INTEGER);
        } else {
            insert.setLong(column, nanos - measurement.startNanos());
        }
    }

    private static long afterStart(ResultSet row, int column, long start) throws SQLException {
        long after = row.getLong(column);
        return row.wasNull() ? NEVER : start + after;
    }
}
