package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The lines of a file that are not blank. */
final class TextLines {
    private TextLines() {}

    /** @throws ConfigException if there is none, or it cannot be read; {@code takes} is told then */
    static List<String> of(Path file, String takes) {
        try {
            var found = Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            if (found.isEmpty()) {
                throw new ConfigException("file " + file + " is empty; it takes " + takes + ".");
            }
            return found;
        } catch (IOException e) {
            throw new ConfigException(
                    "file " + file + " cannot be read: " + Unreadable.why(file, e) + "; it takes " + takes + ".");
        }
    }
}
