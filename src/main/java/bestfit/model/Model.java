package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model that was found.
 *
 * @param name as the user gave it; what vLLM calls the model id
 * @param directory of its files, null for an embedded model and for one of which only the config is bundled
 */
public record Model(String name, @Nullable Path directory, ModelSpec spec) {

    /** Text of one of the model's files, empty if it has no such file. */
    public Optional<String> read(String file) {
        if (directory != null) {
            return inDirectory(directory, file);
        }
        return name.equals(Models.TINY)
                ? embedded(name, file)
                : file.equals("config.json") ? KnownModels.config(name) : Optional.empty();
    }

    /** Names one of the model's files in messages. */
    public String origin(String file) {
        return directory == null ? name + "/" + file : directory.resolve(file).toString();
    }

    static Optional<String> embedded(String model, String file) {
        try (var in = Model.class.getResourceAsStream(model + "/" + file)) {
            return in == null ? Optional.empty() : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Optional<String> inDirectory(Path directory, String file) {
        var path = directory.resolve(file);
        if (!Files.isRegularFile(path)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Files.readString(path));
        } catch (IOException e) {
            throw new ConfigException(path + " cannot be read: " + Unreadable.why(path, e));
        }
    }
}
