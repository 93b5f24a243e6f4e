package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The lines of a file, of which one at least is not blank; a byte order mark is no part of the first. */
final class TextLines {
    private TextLines() {}

    /** @throws ConfigException if all are blank, or it cannot be read; {@code takes} is told then */
    static List<String> of(Path file, String takes) {
        try {
            var text = Files.readString(file);
            var found = (text.startsWith("\uFEFF") ? text.substring(1) : text)
                    .lines()
                    .toList();
            if (found.stream().allMatch(String::isBlank)) {
                throw new ConfigException("file " + file + " is empty; it takes " + takes + ".");
            }
            return found;
        } catch (IOException e) {
            throw new ConfigException(
                    "file " + file + " cannot be read: " + Unreadable.why(file, e) + "; it takes " + takes + ".");
        }
    }
}
