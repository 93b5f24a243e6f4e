package bestfit.store;

import bestfit.config.ConfigException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteOpenMode;

/**
 * One SQLite file. Every commit is on the disk when it returns (synchronous), so that neither {@code kill -9} nor a power cut
 * loses what is finished. A file that bestfit makes has a write-ahead log; compressa-perf's keeps the journal it has, and our
 * tables are made beside its own. Thread-safe: one connection, one user of it at a time.
 */
public final class Database implements AutoCloseable {
    /** In the file's header: "best" in ASCII. */
    static final int APPLICATION_ID = 0x62657374;

    private static final String MAGIC = "SQLite format 3\0";
    private static final String OWN_PREFIX = "bestfit_";
    private static final String QUERY_ONLY = "PRAGMA query_only = ON";
    private static final int BUSY_MILLIS = 20_000;

    /** Work on the connection. */
    @FunctionalInterface
    public interface Work<T extends @org.jspecify.annotations.Nullable Object> {
        T on(Connection connection) throws SQLException;
    }

    private final Path file;
    private final Connection connection;
    private final boolean joined;

    private Database(Path file, Connection connection, boolean joined) {
        this.file = file;
        this.connection = connection;
        this.joined = joined;
    }

    /**
     * Opens for writing; creates what is missing. In a file of compressa-perf that is in one transaction, and no row or table of
     * its own is changed.
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
        config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
        if (!Files.exists(file) || size(file) == 0) {
            config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        }
        return connect(file, config, database -> {
            // FULL, and the folder after a rollback journal is gone
            database.execute("PRAGMA synchronous = EXTRA");
            return database.transaction(connection -> {
                boolean joins = !isMarked(connection) && CompressaSchema.isIn(tables(connection));
                Migrations.apply(connection);
                return joins;
            });
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
        return connect(ReadOnlyFolder.address(file), file, reading(), database -> {
            database.execute(QUERY_ONLY);
            var tables = database.read(Database::tables);
            if (!CompressaSchema.isIn(tables)) {
                throw new ConfigException("Database " + file + " holds no experiments: its tables are " + tables
                        + ". Name a database of bestfit or compressa-perf with --db.");
            }
            return false;
        });
    }

    /**
     * Not {@code READONLY}: what a killed writer left half done is put right by whoever opens the file next, as compressa-perf's own
     * {@code list} does, and that takes a connection which may write. {@link #QUERY_ONLY} keeps it from anything else; on a file that
     * cannot be written SQLite falls back by itself.
     */
    private static SQLiteConfig reading() {
        var config = new SQLiteConfig();
        config.setBusyTimeout(BUSY_MILLIS);
        config.resetOpenMode(SQLiteOpenMode.CREATE);
        return config;
    }

    public Path file() {
        return file;
    }

    /** Whether this is compressa-perf's, and bestfit's tables were made beside its own just now. */
    public boolean hasJoined() {
        return joined;
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
        return read(Database::tables).contains(name);
    }

    private static Set<String> tables(Connection connection) throws SQLException {
        var names = new TreeSet<String>();
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT name FROM sqlite_master WHERE type = 'table'")) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        return names;
    }

    /** Whether bestfit made it or joined it. */
    private static boolean isMarked(Connection connection) throws SQLException {
        return Migrations.pragma(connection, "application_id") == APPLICATION_ID;
    }

    private void execute(String sql) {
        read(open -> {
            try (var statement = open.createStatement()) {
                return statement.execute(sql);
            }
        });
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
        var checked = connect(file, reading(), database -> {
            database.execute(QUERY_ONLY);
            var problem = database.read(connection ->
                    isMarked(connection) ? newer(connection) : notJoinable(connection, tables(connection)));
            if (problem.isPresent()) {
                throw new ConfigException("Database " + file + " " + problem.get());
            }
            return false;
        });
        checked.close();
        var folder = Objects.requireNonNullElse(file.toAbsolutePath().getParent(), file);
        if (!Files.isWritable(file) || !Files.isWritable(folder)) {
            throw new ConfigException(
                    "Database " + file
                            + " cannot be written. Give write permission to the file and its folder, or choose another file with --db.");
        }
    }

    private static Optional<String> newer(Connection connection) throws SQLException {
        int version = Migrations.version(connection);
        return version <= Migrations.newest()
                ? Optional.empty()
                : Optional.of("was written by a newer bestfit (schema " + version + "; this one knows "
                        + Migrations.newest() + "). Use that bestfit or choose another file with --db.");
    }

    /** Why our tables cannot be made in a file that has no mark of ours: it takes an empty one or one of compressa-perf. */
    private static Optional<String> notJoinable(Connection connection, Set<String> tables) throws SQLException {
        boolean unmarked = Migrations.version(connection) == 0 && Migrations.pragma(connection, "application_id") == 0;
        if (unmarked && tables.isEmpty()) {
            return Optional.empty();
        }
        if (!unmarked || !CompressaSchema.isIn(tables)) {
            return Optional.of("belongs to another program and is not written to. Choose another file with --db.");
        }
        var taken = tables.stream().filter(name -> name.startsWith(OWN_PREFIX)).findFirst();
        if (taken.isPresent()) {
            return Optional.of("has a table " + taken.get()
                    + " but not bestfit's mark in its header, as after a dump; list and report read it."
                    + " Choose another file with --db, or copy the original with VACUUM INTO.");
        }
        return CompressaSchema.difference(connection)
                .map(what ->
                        "is not written to: " + what + ", unlike compressa-perf's. Choose another file with --db.");
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

    private static Database connect(Path file, SQLiteConfig config, Predicate<Database> check) {
        return connect(file.toAbsolutePath().toString(), file, config, check);
    }

    private static Database connect(String address, Path file, SQLiteConfig config, Predicate<Database> check) {
        try {
            var connection = connection(address, file, config);
            try {
                boolean joined = check.test(new Database(file, connection, false));
                return new Database(file, connection, joined);
            } catch (StoreException failure) {
                connection.close();
                throw failure.isForbidden() ? new ConfigException(String.valueOf(failure.getMessage())) : failure;
            } catch (RuntimeException failure) {
                connection.close();
                throw failure;
            }
        } catch (SQLException e) {
            throw StoreException.of(file, e);
        }
    }

    private static Connection connection(String address, Path file, SQLiteConfig config) throws SQLException {
        try {
            return config.createConnection("jdbc:sqlite:" + address);
        } catch (SQLException e) {
            var failure = StoreException.of(file, e);
            throw failure.isForbidden() ? new ConfigException(String.valueOf(failure.getMessage())) : failure;
        }
    }
}
