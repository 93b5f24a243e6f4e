package bestfit.engine;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.engine.EngineLog.Writer;
import bestfit.model.Model;
import bestfit.model.ModelSpec;
import bestfit.openai.PythonText;
import bestfit.openai.SamplingDefaults;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Reads {@code generation_config.json} for the sampling that a model's makers recommend, which vLLM takes for requests that
 * do not say: {@code --generation-config auto} the model's, {@code vllm} none, else that of a folder.
 */
final class GenerationFile {
    private static final String NAME = "generation_config.json";
    private static final String MAX_TOKENS = "max_new_tokens";
    private static final List<String> FIELDS = List.of(
            "repetition_penalty",
            "presence_penalty",
            "frequency_penalty",
            "temperature",
            "top_k",
            "top_p",
            "min_p",
            MAX_TOKENS);

    private GenerationFile() {}

    /**
     * Reads them.
     *
     * @param overriding a JSON object whose fields count before the file's
     */
    static SamplingDefaults read(String source, String overriding, Model model, EngineLog log) {
        boolean own = source.equals("auto");
        boolean none = source.equals("vllm");
        var found = new LinkedHashMap<String, JsonNode>();
        if (!none) {
            text(source, model).ifPresent(json -> add(json, own ? model.origin(NAME) : source + "/" + NAME, found));
        }
        var over = new LinkedHashMap<String, JsonNode>();
        add(overriding, "--override-generation-config", over);
        found.putAll(over);
        if (found.isEmpty()) {
            return SamplingDefaults.NONE;
        }
        if (!none) {
            log.warning(
                    Writer.API,
                    "model.py:1894",
                    "Default vLLM sampling parameters have been overridden by "
                            + (own ? "the model's `generation_config.json`" : source) + ": `" + python(found)
                            + "`. If this is not intended, please relaunch vLLM instance with `--generation-config"
                            + " vllm`.");
        }
        var values = found.entrySet().stream()
                .filter(each -> !each.getKey().equals(MAX_TOKENS))
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, each -> number(each.getValue())));
        // What an operator names holds for all, what a model recommends for who does not say.
        return new SamplingDefaults(values, tokens(found), tokens(own || none ? over : found));
    }

    /** The model as this generation config ends its answers. */
    static ModelSpec ends(String source, Model model) {
        return source.equals("auto") || source.equals("vllm")
                ? model.spec()
                : inFolder(source).map(model.spec()::endingAt).orElse(model.spec());
    }

    private static Optional<String> text(String source, Model model) {
        return source.equals("auto") ? model.read(NAME) : inFolder(source);
    }

    private static @Nullable Long tokens(Map<String, JsonNode> found) {
        var limit = found.get(MAX_TOKENS);
        if (limit != null && number(limit) <= 0) {
            throw new ConfigException("`max_new_tokens` must be greater than 0, but is " + limit + ".");
        }
        return limit == null ? null : Long.valueOf((long) number(limit));
    }

    private static Optional<String> inFolder(String folder) {
        try {
            return Optional.of(Files.readString(Path.of(folder).resolve(NAME)));
        } catch (IOException none) {
            if (Files.isRegularFile(Path.of(folder).resolve("config.json"))) {
                return Optional.empty(); // vLLM takes that one's fields, among which sampling's are no longer
            }
            throw new ConfigException(MissingModel.unrecognised(folder).strip());
        }
    }

    private static void add(String text, String origin, Map<String, JsonNode> found) {
        JsonNode json;
        try {
            json = Json.parsePython(text);
        } catch (JacksonException broken) {
            throw new ConfigException(origin + ": not valid JSON: " + Json.problem(broken));
        }
        for (var field : FIELDS) {
            if (json.path(field).isNumber()) {
                found.put(field, json.path(field));
            }
        }
    }

    /** Beyond the range of a double it is infinite. */
    private static double number(JsonNode node) {
        return node.isFloatingPointNumber() ? node.doubleValue() : Double.parseDouble(node.toString());
    }

    /** As a Python dict, in vLLM's order. */
    private static String python(Map<String, JsonNode> found) {
        return FIELDS.stream()
                .flatMap(field -> Stream.ofNullable(found.get(field))
                        .map(value -> PythonText.quoted(field.equals(MAX_TOKENS) ? "max_tokens" : field) + ": "
                                + PythonText.value(value)))
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
