package bestfit.model;

import bestfit.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** Where models come from. */
public final class Models {
    /** Name of the embedded model. */
    public static final String TINY = "tiny";

    private Models() {}

    /**
     * Finds a model by the name of an embedded one, by its directory, or by the name of a checkpoint whose config is
     * bundled ({@link KnownModels}).
     *
     * @throws ConfigException if there is none, or its config.json cannot be used
     */
    public static Model find(String nameOrDirectory) {
        if (nameOrDirectory.equals(TINY)) {
            var config = Model.embedded(TINY, "config.json").orElseThrow();
            var generation = Model.embedded(TINY, "generation_config.json").orElse(null);
            return new Model(TINY, null, ModelSpec.parse(TINY + "/config.json", config, generation));
        }
        var directory = directory(nameOrDirectory);
        var file = directory.resolve("config.json");
        var config = Model.inDirectory(directory, "config.json");
        if (config.isEmpty()) {
            var known = Files.exists(directory) ? Optional.<String>empty() : KnownModels.config(nameOrDirectory);
            if (known.isPresent()) {
                return new Model(
                        nameOrDirectory, null, ModelSpec.parse(nameOrDirectory + "/config.json", known.get(), null));
            }
            throw new ConfigException("model " + nameOrDirectory + ": " + absence(directory)
                    + "; give a directory with a config.json (and a tokenizer.json), the name of a bundled model"
                    + " (bestfit plan lists them), or the embedded model's name, " + TINY);
        }
        var generation = Model.inDirectory(directory, "generation_config.json").orElse(null);
        return new Model(nameOrDirectory, directory, ModelSpec.parse(file.toString(), config.get(), generation));
    }

    private static Path directory(String name) {
        if (name.isBlank()) {
            throw new ConfigException("the model's name is empty; give a directory with a config.json, or " + TINY);
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new ConfigException("model " + name + " is no path of a directory: " + e.getReason());
        }
    }

    private static String absence(Path directory) {
        if (Files.isDirectory(directory)) {
            return "no config.json in that directory";
        }
        return Files.exists(directory) ? "not a directory" : "no such directory";
    }
}
