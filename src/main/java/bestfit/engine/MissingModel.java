package bestfit.engine;

import bestfit.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What vLLM says of a model that it cannot find: it takes what is no directory for a name on Hugging Face's hub. Pure but for looking. */
final class MissingModel {
    private static final String NAME = "(\\b[\\w\\-.]+\\b/)?\\b[\\w\\-.]{1,96}\\b";

    private MissingModel() {}

    /**
     * The failure of a start.
     *
     * @param offline {@code HF_HUB_OFFLINE} is set, which changes the error
     * @param why this project's own words, with what to do
     */
    static StartFailure of(String model, boolean offline, ConfigException why) {
        var path = Path.of(model);
        if (Files.isRegularFile(path)) {
            return failure("OSError: It looks like the config file at '" + model + "' is not a valid JSON file.", why);
        }
        if (Files.isRegularFile(path.resolve("config.json"))) {
            return StartFailure.config(String.valueOf(why.getMessage()));
        }
        return failure(Files.isDirectory(path) ? noConfig(model) : notFetched(model, offline), why);
    }

    private static StartFailure failure(String words, ConfigException why) {
        return StartFailure.config(words, String.valueOf(why.getMessage()));
    }

    private static String noConfig(String model) {
        return "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
                + "  Value error, " + unrecognised(model)
                + " [type=value_error, input_value=ArgsKwargs((), {'model': ...}), input_type=ArgsKwargs]";
    }

    /** What vLLM says of a folder in which it knows no file. */
    static String unrecognised(String folder) {
        return "Invalid repository ID or local directory specified: '" + folder + "'.\n"
                + "Please verify the following requirements:\n"
                + "1. Provide a valid Hugging Face repository ID.\n"
                + "2. Specify a local directory that contains a recognized configuration file.\n"
                + "   - For Hugging Face models: ensure the presence of a 'config.json'.\n"
                + "   - For Mistral models: ensure the presence of a 'params.json'.\n";
    }

    private static String notFetched(String model, boolean offline) {
        var refused = offline ? "huggingface_hub.errors.HFValidationError: " : "OSError: ";
        if (model.chars().filter(c -> c == '/').count() > 1) {
            return refused + "Repo id must be in the form 'repo_name' or 'namespace/repo_name': '" + model
                    + "'. Use `repo_type` argument if needed.";
        }
        if (!model.matches(NAME)) {
            return refused + "Repo id must use alphanumeric chars, '-', '_' or '.'. The name cannot start or end with"
                    + " '-' or '.' and the maximum length is 96: '" + model + "'.";
        }
        return offline
                ? "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for"
                        + " the specified revision on the local disk and outgoing traffic has been disabled. To enable"
                        + " repo look-ups and downloads online, pass 'local_files_only=False' as input."
                : "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in"
                        + " the cached files.\nCheck your internet connection or see how to run the library in offline"
                        + " mode at 'https://huggingface.co/docs/transformers/installation#offline-mode'.";
    }
}
