package bestfit.engine;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.engine.EngineLog.Writer;
import bestfit.model.Model;
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

    static SamplingDefaults read(String source, Model model, EngineLog log) {
        if (source.equals("vllm")) {
            return SamplingDefaults.NONE;
        }
        boolean own = source.equals("auto");
        var text = own ? model.read(NAME) : inFolder(source);
        var found = text.map(json -> fields(json, own ? model.origin(NAME) : source + "/" + NAME))
                .orElse(Map.of());
        if (found.isEmpty()) {
            return SamplingDefaults.NONE;
        }
        log.warning(
                Writer.API,
                "model.py:1894",
                "Default vLLM sampling parameters have been overridden by "
                        + (own ? "the model's `generation_config.json`" : source) + ": `" + python(found)
                        + "`. If this is not intended, please relaunch vLLM instance with `--generation-config vllm`.");
        var values = found.entrySet().stream()
                .filter(each -> !each.getKey().equals(MAX_TOKENS))
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, each -> number(each.getValue())));
        var limit = found.get(MAX_TOKENS);
        if (limit != null && number(limit) <= 0) {
            throw new ConfigException("`max_new_tokens` must be greater than 0, but is " + limit + ".");
        }
        var tokens = limit == null ? null : Long.valueOf((long) number(limit));
        // What an operator names holds for all, what a model recommends for who does not say.
        return new SamplingDefaults(values, tokens, own ? null : tokens);
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

    private static Map<String, JsonNode> fields(String text, String origin) {
        JsonNode json;
        try {
            json = Json.parse(text);
        } catch (JacksonException broken) {
            throw new ConfigException(origin + ": not valid JSON: " + Json.problem(broken));
        }
        var found = new LinkedHashMap<String, JsonNode>();
        for (var field : FIELDS) {
            if (json.path(field).isNumber()) {
                found.put(field, json.path(field));
            }
        }
        return found;
    }

    /** Beyond the range of a double it is infinite. */
    private static double number(JsonNode node) {
        return Double.parseDouble(node.toString());
    }

    /** As a Python dict. */
    private static String python(Map<String, JsonNode> found) {
        return found.entrySet().stream()
                .map(each -> PythonText.quoted(each.getKey().equals(MAX_TOKENS) ? "max_tokens" : each.getKey()) + ": "
                        + each.getValue())
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
