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
        return Database.open(file, Home.of(System.getenv()));
    }

    Database openToRead() {
        return Database.openToRead(file, Home.of(System.getenv()));
    }
}
