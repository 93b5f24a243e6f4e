package bestfit.store;

import static bestfit.store.DatabaseTest.measurement;
import static bestfit.store.DatabaseTest.sql;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that compressa-perf 0.2.5 and 0.2.8 made, one experiment of three requests each. */
class CompressaDatabaseTest {
    private static final List<String> TABLES = List.of("Experiments", "Parameters", "Metrics", "Measurements");

    @TempDir
    Path folder;

    private Path theirs(String version) {
        var file = folder.resolve("compressa-perf-db.sqlite");
        try (var in = CompressaDatabaseTest.class.getResourceAsStream("compressa-perf-" + version + ".db")) {
            Files.write(file, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    private Database open(Path file) {
        return Database.open(file, folder.resolve("home"));
    }

    private Database openToRead(Path file) {
        return Database.openToRead(file, folder.resolve("home"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.2.5", "0.2.8"})
    void resultsAreAdded_andTheirsStayAsTheyWere(String version) throws Exception {
        var file = theirs(version);
        var schema =
                rows(file, "SELECT name, sql FROM sqlite_master WHERE name IN ('" + String.join("', '", TABLES) + "')");
        var before = rows(file, 1);
        long id;
        try (var database = open(file)) {
            assertThat(database.hasJoined()).isTrue();
            var store = new ExperimentStore(database);
            id = store.begin("ours", null, Map.of("num_workers", "1"));
            store.sink(id).acceptAll(List.of(measurement(0, 0, null), measurement(1, 0, "reset: by peer")));
            store.finish(id, Map.of("TTFT", 0.04), Map.of());
        }
        assertThat(id).isEqualTo(2);
        assertThat(rows(file, 1)).isEqualTo(before);
        assertThat(rows(
                        file,
                        "SELECT name, sql FROM sqlite_master WHERE name IN ('" + String.join("', '", TABLES) + "')"))
                .isEqualTo(schema);
        assertThat(rows(file, "PRAGMA journal_mode")).containsExactly(List.of("delete"));

        // compressa-perf goes on as before
        sql(
                file,
                "INSERT INTO Experiments (experiment_name) VALUES ('theirs again')",
                "INSERT INTO Metrics (experiment_id, metric_name, metric_value) VALUES (3, 'TTFT', 0.5)",
                "INSERT INTO Measurements (experiment_id, n_input, n_output, ttft, start_time, end_time, status)"
                        + " VALUES (3, 15, 5, 0.5, 1795994432.5, 1795994433.5, 'success')");
        try (var database = open(file)) {
            assertThat(database.hasJoined()).isFalse();
        }
        try (var database = openToRead(file)) {
            var store = new ExperimentStore(database);
            assertThat(store.all())
                    .extracting(Experiment::name)
                    .containsExactlyInAnyOrder("theirs", "ours", "theirs again");
            assertThat(store.timings(1)).hasSize(3);
            assertThat(store.timings(2)).hasSize(2);
            assertThat(store.timings(3)).hasSize(1);
            assertThat(List.of(store.isOurs(1), store.isOurs(2), store.isOurs(3)))
                    .containsExactly(false, true, false);
        }
    }

    @Test
    void whatCompressaPerfIsWriting_isWaitedFor() throws Exception {
        var file = theirs("0.2.5");
        try (var other = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = other.createStatement();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            statement.execute("BEGIN IMMEDIATE");
            statement.execute("INSERT INTO Experiments (experiment_name) VALUES ('under way')");
            var ours = threads.submit(() -> {
                try (var database = open(file)) {
                    return new ExperimentStore(database).begin("ours", null, Map.of());
                }
            });
            statement.execute("COMMIT");
            assertThat(ours.get(30, TimeUnit.SECONDS)).isEqualTo(3);
        }
    }

    @Test
    void halfWrittenTransaction_ofAKilledCompressaPerf_isRolledBack() throws Exception {
        var file = theirs("0.2.5");
        var before = rows(file, 1);
        var killed = folder.resolve("killed.sqlite");
        try (var other = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = other.createStatement()) {
            // so small a cache that changed pages are in the file before the commit, their old state in the journal
            statement.execute("PRAGMA cache_size = 1");
            statement.execute("BEGIN IMMEDIATE");
            statement.execute("UPDATE Metrics SET metric_name = printf('%.4096c', 'x')");
            statement.execute("DELETE FROM Measurements");
            Files.copy(file, killed);
            Files.copy(folder.resolve(file.getFileName() + "-journal"), folder.resolve("killed.sqlite-journal"));
            statement.execute("ROLLBACK");
        }
        assertThat(Files.readAllBytes(killed)).isNotEqualTo(Files.readAllBytes(file));
        try (var database = openToRead(killed)) {
            assertThat(new ExperimentStore(database).timings(1)).hasSize(3);
        }
        assertThat(rows(killed, 1)).isEqualTo(before);
    }

    @Test
    void reading_writesNothing() throws Exception {
        var file = theirs("0.2.5");
        var before = Files.readAllBytes(file);
        try (var database = openToRead(file)) {
            assertThatThrownBy(() -> new ExperimentStore(database).begin("ours", null, Map.of()))
                    .isInstanceOf(StoreException.class);
        }
        Database.refuseUnusable(file, folder.resolve("home"));
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE Measurements RENAME COLUMN ttft TO first_token|its table Measurements lacks ttft",
                "ALTER TABLE Experiments ADD COLUMN owner TEXT NOT NULL DEFAULT ''; ALTER TABLE Metrics DROP COLUMN timestamp|its table Metrics lacks timestamp",
                "DROP TABLE Parameters; CREATE TABLE Parameters (id INTEGER PRIMARY KEY, experiment_id INTEGER, key TEXT, value TEXT, unit TEXT NOT NULL)|its table Parameters also requires unit",
                "DROP TABLE Metrics|belongs to another program",
                "PRAGMA user_version = 3|belongs to another program",
                "PRAGMA application_id = 7|belongs to another program",
                "CREATE TABLE bestfit_requests (id INTEGER)|not bestfit's mark",
            })
    void whatOnlyLooksLikeTheirs_isRefusedAndLeftAsItWas(String changeAndReason) throws Exception {
        var parts = changeAndReason.split("\\|", -1);
        var file = theirs("0.2.5");
        sql(file, parts[0].split("; ", -1));
        var before = Files.readAllBytes(file);
        assertThatThrownBy(() -> open(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(parts[1])
                .hasMessageContaining("--db");
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @Test
    void extraTablesAndColumns_ofTheUser_doNotMatter() throws Exception {
        var file = theirs("0.2.5");
        sql(
                file,
                "CREATE TABLE notes (text TEXT)",
                "ALTER TABLE Experiments ADD COLUMN owner TEXT",
                "ALTER TABLE Metrics ADD COLUMN unit TEXT NOT NULL DEFAULT 's'");
        try (var database = open(file)) {
            var store = new ExperimentStore(database);
            store.finish(store.begin("ours", null, Map.of()), Map.of("TTFT", 0.1), Map.of());
            assertThat(store.all()).hasSize(2);
        }
    }

    /** SQLite opens a file of a later write format for reading only, whoever asks; permissions do not bind a root user. */
    @Test
    void fileThatCannotBeWritten_isBadInput_andStillRead() throws Exception {
        var file = theirs("0.2.8");
        var bytes = Files.readAllBytes(file);
        bytes[18] = 3;
        Files.write(file, bytes);
        assertThatThrownBy(() -> open(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("cannot be written");
        try (var database = openToRead(file)) {
            assertThat(new ExperimentStore(database).all()).hasSize(1);
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
    }

    /** All rows of an experiment, with every column. */
    private static List<List<String>> rows(Path file, int experiment) throws SQLException {
        var all = new ArrayList<List<String>>();
        for (var table : TABLES) {
            all.addAll(rows(
                    file,
                    "SELECT * FROM " + table + " WHERE " + (table.equals("Experiments") ? "id" : "experiment_id")
                            + " = " + experiment));
        }
        return all;
    }

    private static List<List<String>> rows(Path file, String query) throws SQLException {
        var all = new ArrayList<List<String>>();
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement();
                var found = statement.executeQuery(query)) {
            while (found.next()) {
                var row = new ArrayList<String>();
                for (int column = 1; column <= found.getMetaData().getColumnCount(); column++) {
                    row.add(String.valueOf(found.getString(column)));
                }
                all.add(row);
            }
        }
        return all;
    }
}
