package bestfit.store;

import bestfit.config.ConfigException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;
import org.sqlite.SQLiteConfig;

/**
 * One SQLite file. Every commit is on the disk when it returns (write-ahead log, synchronous FULL), so that neither
 * {@code kill -9} nor a power cut loses what is finished. Thread-safe: one connection, one user of it at a time.
 */
public final class Database implements AutoCloseable {
    /** In the file's header: "best" in ASCII. */
    static final int APPLICATION_ID = 0x62657374;

    private static final String MAGIC = "SQLite format 3\0";
    private static final Set<String> COMPRESSA_TABLES = Set.of("Experiments", "Parameters", "Metrics", "Measurements");
    private static final int BUSY_MILLIS = 20_000;

    /** Work on the connection. */
    @FunctionalInterface
    public interface Work<T extends @org.jspecify.annotations.Nullable Object> {
        T on(Connection connection) throws SQLException;
    }

    private final Path file;
    private final Connection connection;
    private final boolean ours;

    private Database(Path file, Connection connection, boolean ours) {
        this.file = file;
        this.connection = connection;
        this.ours = ours;
    }

    /**
     * Opens for writing; creates what is missing.
     *
     * @param home where SQLite's native library is unpacked
     * @throws ConfigException if the file is another program's, or a newer bestfit's; it is left as it was
     * @throws StoreException if it cannot be opened or written
     */
    public static Database open(Path file, Path home) {
        refuseUnusable(file, home);
        try {
            var folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
        } catch (IOException e) {
            throw new ConfigException("Database " + file + ": its folder cannot be made (" + e.getMessage()
                    + "). Choose another file with --db.");
        }
        var config = new SQLiteConfig();
        config.setBusyTimeout(BUSY_MILLIS);
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
        return connect(file, config, database -> {
            database.transaction(connection -> {
                Migrations.apply(connection);
                return true;
            });
            return true;
        });
    }

    /**
     * Whether {@link #open} would take it, to be known before there is something to write; changes nothing.
     *
     * @throws ConfigException if it would not
     */
    public static void refuseUnusable(Path file, Path home) {
        refuseOtherFormat(file);
        unpackNativesIn(home);
        if (Files.exists(file) && size(file) > 0) {
            refuseOthers(file);
        }
    }

    /**
     * Opens a database of ours or of compressa-perf for reading; the file is not changed.
     *
     * @throws ConfigException if there is none, or it is another program's
     */
    public static Database openToRead(Path file, Path home) {
        refuseOtherFormat(file);
        if (!Files.isRegularFile(file)) {
            throw new ConfigException(
                    "Database " + file + " does not exist. Name one with --db, or run measure first.");
        }
        unpackNativesIn(home);
        var config = new SQLiteConfig();
        config.setBusyTimeout(BUSY_MILLIS);
        config.setReadOnly(true);
        return connect(file, config, database -> {
            if (!database.tables().containsAll(COMPRESSA_TABLES)) {
                throw new ConfigException("Database " + file + " holds no experiments: its tables are "
                        + database.tables() + ". Name a database of bestfit or compressa-perf with --db.");
            }
            return database.isApplication();
        });
    }

    public Path file() {
        return file;
    }

    /** Whether bestfit made it; false for compressa-perf's. */
    public boolean isOurs() {
        return ours;
    }

    /**
     * Runs the work in one transaction: all of it or nothing, on the disk when this returns.
     *
     * @throws StoreException naming the file and what to do
     */
    public synchronized <T extends @org.jspecify.annotations.Nullable Object> T transaction(Work<T> work) {
        try {
            connection.setAutoCommit(false);
            try {
                var result = work.on(connection);
                connection.commit();
                connection.setAutoCommit(true);
                return result;
            } catch (SQLException | RuntimeException failure) {
                rollback(failure);
                throw failure;
            }
        } catch (SQLException e) {
            throw StoreException.of(file, e);
        }
    }

    /** Runs work that only reads. */
    public synchronized <T extends @org.jspecify.annotations.Nullable Object> T read(Work<T> work) {
        try {
            return work.on(connection);
        } catch (SQLException e) {
            throw StoreException.of(file, e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw StoreException.of(file, e);
        }
    }

    boolean hasTable(String name) {
        return tables().contains(name);
    }

    private Set<String> tables() {
        return read(open -> {
            var names = new HashSet<String>();
            try (var statement = open.createStatement();
                    var rows = statement.executeQuery("SELECT name FROM sqlite_master WHERE type = 'table'")) {
                while (rows.next()) {
                    names.add(rows.getString(1));
                }
            }
            return names;
        });
    }

    private boolean isApplication() {
        return read(open -> Migrations.pragma(open, "application_id")) == APPLICATION_ID;
    }

    /** A full disk has SQLite roll back by itself; that there is nothing left to roll back must not hide the disk. */
    private void rollback(Exception failure) {
        try {
            connection.rollback();
        } catch (SQLException alsoFailed) {
            failure.addSuppressed(alsoFailed);
        }
        try { // else the next transaction would not begin one
            connection.setAutoCommit(true);
        } catch (SQLException alsoFailed) {
            failure.addSuppressed(alsoFailed);
        }
    }

    /** Looks at an existing file without changing it, so that a database of others stays byte for byte as it was. */
    private static void refuseOthers(Path file) {
        var config = new SQLiteConfig();
        config.setReadOnly(true);
        config.setBusyTimeout(BUSY_MILLIS);
        var checked = connect(file, config, database -> {
            var tables = database.tables();
            boolean empty = tables.isEmpty();
            if (!empty && !database.isApplication()) {
                var owner = tables.containsAll(COMPRESSA_TABLES) ? "compressa-perf" : "another program";
                throw new ConfigException(
                        "Database " + file + " belongs to " + owner
                                + " and is not written to (list and report read compressa-perf's). Choose another file with --db.");
            }
            int version = database.read(Migrations::version);
            if (version > Migrations.newest()) {
                throw new ConfigException("Database " + file + " was written by a newer bestfit (schema " + version
                        + "; this one knows " + Migrations.newest()
                        + "). Use that bestfit or choose another file with --db.");
            }
            return true;
        });
        checked.close();
    }

    private static void refuseOtherFormat(Path file) {
        if (Files.isDirectory(file)) {
            throw new ConfigException("Database " + file + " is a folder; --db takes a file.");
        }
        if (!Files.exists(file)) {
            return;
        }
        try (var in = Files.newInputStream(file)) {
            var head = in.readNBytes(MAGIC.length());
            if (head.length > 0 && !new String(head, StandardCharsets.ISO_8859_1).equals(MAGIC)) {
                throw new ConfigException(
                        "Database " + file + " is not an SQLite database. Choose another file with --db.");
            }
        } catch (IOException e) {
            throw new ConfigException("Database " + file + " cannot be read (" + e.getMessage() + ").");
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new ConfigException("Database " + file + " cannot be read (" + e.getMessage() + ").");
        }
    }

    private static void unpackNativesIn(Path home) {
        try {
            System.setProperty(
                    "org.sqlite.tmpdir",
                    Files.createDirectories(home.resolve("natives")).toString());
        } catch (IOException e) {
            throw new ConfigException("Folder " + home + " cannot be made (" + e.getMessage()
                    + "). Set BESTFIT_HOME to a folder that can be written.");
        }
    }

    private static Database connect(Path file, SQLiteConfig config, java.util.function.Predicate<Database> check) {
        try {
            var connection = connection(file, config);
            try {
                boolean ours = check.test(new Database(file, connection, false));
                return new Database(file, connection, ours);
            } catch (RuntimeException failure) {
                connection.close();
                throw failure;
            }
        } catch (SQLException e) {
            throw StoreException.of(file, e);
        }
    }

    private static Connection connection(Path file, SQLiteConfig config) throws SQLException {
        try {
            return config.createConnection("jdbc:sqlite:" + file.toAbsolutePath());
        } catch (SQLException e) {
            var failure = StoreException.of(file, e);
            throw failure.isForbidden() ? new ConfigException(String.valueOf(failure.getMessage())) : failure;
        }
    }
}
