package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;

/** Which prompts an experiment sends. */
public sealed interface PromptSpec {
    /** compressa-perf's generated prompts: each request draws one of {@code count}. */
    record Generated(int count, int characters) implements PromptSpec {}

    /**
     * The first column of a CSV file, each text cut to a length.
     *
     * @param characters 0 takes whole texts
     */
    record FromFile(Path file, int characters) implements PromptSpec {}

    /** A different prompt for every request, so that prefix caches do not help. */
    record Unique(int characters) implements PromptSpec {}

    /**
     * Makes the prompts.
     *
     * @throws ConfigException if a file cannot be read or holds none
     */
    default PromptSource source(long seed, LocalDateTime now) {
        return switch (this) {
            case Generated(int count, int characters) -> CompressaPrompts.generate(count, characters, seed, now);
            case Unique(int characters) -> UniquePrompts.ofCharacters(characters, seed);
            case FromFile(Path file, int characters) ->
                CompressaPrompts.choosing(
                        CsvColumn.firstOf(read(file)).stream()
                                .map(text -> characters > 0 && text.length() > characters
                                        ? text.substring(0, characters)
                                        : text)
                                .toList(),
                        seed);
        };
    }

    private static String read(Path file) {
        try {
            var text = Files.readString(file);
            if (text.isBlank()) {
                throw new ConfigException("Prompts file " + file + " is empty; it takes a CSV with one prompt a row.");
            }
            return text;
        } catch (IOException e) {
            throw new ConfigException("Prompts file " + file + " cannot be read: " + Unreadable.why(file, e) + ".");
        }
    }
}
