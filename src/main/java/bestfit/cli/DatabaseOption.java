package bestfit.cli;

import bestfit.config.Home;
import bestfit.store.Database;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The database of compressa-perf's commands: by default the file it would use, in the current folder. */
final class DatabaseOption {
    @Option(
            names = "--db",
            paramLabel = "FILE",
            defaultValue = "compressa-perf-db.sqlite",
            description = "SQLite database (default: ${DEFAULT-VALUE} in the current folder).")
    private Path file = Path.of("compressa-perf-db.sqlite");

    Database open() {
        return open(file);
    }

    /** Says once that a file of compressa-perf is added to. */
    static Database open(Path file) {
        var database = Database.open(file, Home.of(System.getenv()));
        if (database.hasJoined()) {
            System.err.println(
                    "bestfit: " + file + " is compressa-perf's: results are added to it, what it holds stays as"
                            + " it is, and compressa-perf reads and writes it as before");
        }
        return database;
    }

    Database openToRead() {
        return Database.openToRead(file, Home.of(System.getenv()));
    }
}
