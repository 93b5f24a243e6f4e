package bestfit.store;

import bestfit.config.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Reading a database with a write-ahead log where SQLite cannot make the files that it reads such a one with. */
final class ReadOnlyFolder {
    private static final int READ_FORMAT_BYTE = 19;
    private static final int WITH_LOG = 2;

    private ReadOnlyFolder() {}

    /**
     * What SQLite opens the file by: where its folder cannot be written and all is in the file itself, as one that nobody changes.
     *
     * @throws ConfigException if part of it is in the log of a writer that was killed, which only a writer can read
     */
    static String address(Path file) {
        var folder = Objects.requireNonNullElse(file.toAbsolutePath().getParent(), file);
        if (Files.isWritable(folder) || !hasLog(file)) {
            return file.toAbsolutePath().toString();
        }
        var log = folder.resolve(file.getFileName() + "-wal");
        if (isEmpty(log)) {
            return "file:" + file.toUri().getRawPath() + "?immutable=1";
        }
        if (Files.isReadable(folder.resolve(file.getFileName() + "-shm"))) {
            return file.toAbsolutePath().toString();
        }
        throw new ConfigException("Database " + file + ": what was written last is in " + log.getFileName()
                + " beside it, and to read that its folder must be writable. Give write permission, or copy both files to"
                + " a folder of yours and name the copy with --db.");
    }

    private static boolean hasLog(Path file) {
        try (var in = Files.newInputStream(file)) {
            var head = in.readNBytes(READ_FORMAT_BYTE + 1);
            return head.length > READ_FORMAT_BYTE && head[READ_FORMAT_BYTE] == WITH_LOG;
        } catch (IOException e) {
            throw new ConfigException("Database " + file + " cannot be read (" + e.getMessage() + ").");
        }
    }

    private static boolean isEmpty(Path log) {
        try {
            return !Files.exists(log) || Files.size(log) == 0;
        } catch (IOException unreadable) {
            return false;
        }
    }
}
