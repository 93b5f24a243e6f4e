package bestfit.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.CompressaMetrics;
import bestfit.metrics.Measurement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {
    @TempDir
    Path folder;

    private Database open() {
        return Database.open(folder.resolve("db.sqlite"), folder);
    }

    static Measurement measurement(int index, int block, @Nullable String failure) {
        long start = 1_000_000_000L * index;
        return new Measurement(
                index,
                block,
                start,
                start,
                start + 1000,
                start + 2_000_000,
                start + 3_000_000,
                failure == null ? start + 40_000_000 : Measurement.NEVER,
                start + 50_000_000,
                12,
                5,
                failure,
                1_790_000_000_000_000L + start / 1000,
                ChunkTimes.of(new long[] {3_000_000, 40_000_000}, 2));
    }

    @Test
    void everything_isThereAfterReopening() {
        long id;
        var sent = List.of(measurement(0, -1, null), measurement(1, 0, null), measurement(2, 0, "reset: by peer"));
        try (var database = open()) {
            var store = new ExperimentStore(database);
            id = store.begin("short", "first", Map.of("num_workers", "4"));
            store.sink(id).acceptAll(sent);
        }
        try (var database = open()) {
            var store = new ExperimentStore(database);
            assertThat(store.measurements(id)).isEqualTo(sent);
            assertThat(store.timings(id)).hasSize(2);
            store.finish(id, CompressaMetrics.of(store.measurements(id)), Map.of("avg_n_input", "12"));
            store.finish(id, CompressaMetrics.of(store.measurements(id)), Map.of());
        }
        try (var database = Database.openToRead(folder.resolve("db.sqlite"), folder)) {
            var found = new ExperimentStore(database).find(id).orElseThrow();
            assertThat(found.date()).matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d");
            assertThat(found.parameters())
                    .extracting(Experiment.Parameter::key)
                    .containsExactly("num_workers", "avg_n_input");
            assertThat(found.metrics()).contains(new Experiment.Metric("FAILED_REQUESTS", 1));
            assertThat(found.metrics().stream().map(Experiment.Metric::name)).doesNotHaveDuplicates();
        }
    }

    @Test
    void failedTransaction_leavesNothing() {
        try (var database = open()) {
            var store = new ExperimentStore(database);
            assertThatThrownBy(() -> database.transaction(connection -> {
                        try (var statement = connection.createStatement()) {
                            statement.execute("INSERT INTO Experiments (experiment_name) VALUES ('half')");
                            statement.execute("INSERT INTO Experiments (experiment_name) VALUES (NULL)");
                        }
                        return true;
                    }))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("db.sqlite");
            assertThat(store.all()).isEmpty();
        }
    }

    @Test
    void fullDisk_isNamed_andNothingIsLost() {
        try (var database = open()) {
            var store = new ExperimentStore(database);
            long id = store.begin("full", null, Map.of());
            database.transaction(connection -> {
                try (var statement = connection.createStatement();
                        var pages = statement.executeQuery("PRAGMA page_count")) {
                    // SQLite's own limit gives the error that a full disk gives
                    int limit = pages.getInt(1) + 2;
                    return statement.execute("PRAGMA max_page_count = " + limit);
                }
            });
            var sink = store.sink(id);
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 1000; i++) {
                            sink.accept(measurement(i, 0, null));
                        }
                    })
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("disk is full");
            assertThat(store.measurements(id)).isNotEmpty();
            assertThatThrownBy(() -> store.begin("after".repeat(5000), null, Map.of()))
                    .as("what a campaign still has to write then")
                    .hasMessageContaining("disk is full");
            database.read(connection -> {
                try (var statement = connection.createStatement()) {
                    return statement.execute("PRAGMA max_page_count = 10000");
                }
            });
            sink.accept(measurement(2000, 0, null));
        }
    }

    @Test
    void folderThatTakesNoFiles_isBadInput() {
        assertThatThrownBy(() -> Database.open(Path.of("/proc/bestfit.sqlite"), folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("/proc/bestfit.sqlite")
                .hasMessageContaining("must exist and be writable");
    }

    @Test
    void otherFiles_areRefusedAndLeftAsTheyWere() throws Exception {
        var text = Files.writeString(folder.resolve("notes.txt"), "not a database at all");
        assertThatThrownBy(() -> Database.open(text, folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("notes.txt")
                .hasMessageContaining("not an SQLite database");
        assertThat(Files.readString(text)).isEqualTo("not a database at all");

        var other = folder.resolve("other.sqlite");
        sql(other, "CREATE TABLE songs (id INTEGER)");
        var before = Files.readAllBytes(other);
        assertThatThrownBy(() -> Database.open(other, folder)).hasMessageContaining("another program");
        assertThatThrownBy(() -> Database.openToRead(other, folder)).hasMessageContaining("songs");
        assertThat(Files.readAllBytes(other)).isEqualTo(before);
        assertThatThrownBy(() -> Database.openToRead(folder.resolve("none"), folder))
                .hasMessageContaining("does not exist");
    }

    @Test
    void newerSchema_isRefused() throws Exception {
        open().close();
        sql(folder.resolve("db.sqlite"), "PRAGMA user_version = 999");
        assertThatThrownBy(this::open).isInstanceOf(ConfigException.class).hasMessageContaining("newer bestfit");
    }

    static void sql(Path file, String... statements) throws SQLException {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            for (var sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
