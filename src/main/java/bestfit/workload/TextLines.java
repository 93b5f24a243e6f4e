package bestfit.workload;

import bestfit.config.ConfigException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The lines of a file that are not blank. */
final class TextLines {
    private TextLines() {}

    /** @throws ConfigException if there is none, or it cannot be read; {@code takes} is told then */
    static List<String> of(Path file, String takes) {
        try (var lines = Files.lines(file)) {
            var found = lines.filter(line -> !line.isBlank()).toList();
            if (found.isEmpty()) {
                throw new ConfigException("file " + file + " is empty; it takes " + takes + ".");
            }
            return found;
        } catch (java.io.UncheckedIOException e) {
            throw cannot(file, e.getCause() == null ? new IOException(e) : e.getCause(), takes);
        } catch (IOException e) {
            throw cannot(file, e, takes);
        }
    }

    private static ConfigException cannot(Path file, IOException e, String takes) {
        var why = Files.notExists(file)
                ? "does not exist"
                : "cannot be read: " + (e instanceof CharacterCodingException ? "it is no UTF-8 text" : e.getMessage());
        return new ConfigException("file " + file + " " + why + "; it takes " + takes + ".");
    }
}
