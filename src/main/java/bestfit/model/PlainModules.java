package bestfit.model;

import bestfit.config.Problems;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;

/**
 * The modules that a checkpoint leaves in 16 bits. Producers list them as names, parts of names, globs, or regular expressions after
 * {@code re:} that hold from the name's beginning, as vLLM reads them.
 */
record PlainModules(Set<String> names, List<Pattern> patterns) {
    private static final List<String> FIELDS =
            List.of("modules_to_not_convert", "ignore", "exclude_modules", "ignored_layers");

    static PlainModules of(String origin, JsonNode quantization, Problems problems) {
        var names = new HashSet<String>();
        var patterns = new ArrayList<Pattern>();
        for (var field : FIELDS) {
            for (var entry : quantization.path(field)) {
                // A text model inside another goes by two names.
                var text = entry.asString("").replace("language_model.", "").replace("language_model\\.", "");
                try {
                    if (text.startsWith("re:")) {
                        patterns.add(Pattern.compile("(?:" + text.substring(3) + ").*"));
                    } else if (text.indexOf('*') >= 0) {
                        var glob = Pattern.quote(text).replace("*", "\\E.*\\Q");
                        patterns.add(Pattern.compile("(?:.*\\.)?" + glob + "(?:\\..*)?"));
                    } else {
                        names.add(text);
                    }
                } catch (PatternSyntaxException e) {
                    problems.add(origin + ": quantization_config." + field + " has \"" + text
                            + "\", which is no regular expression: " + e.getDescription());
                }
            }
        }
        return new PlainModules(names, patterns);
    }

    /**
     * Share of the matrices' numbers that stay in 16 bits.
     *
     * @param matrices numbers by the name below a layer; those that go by two names are given by both, {@code a|b}
     */
    double share(Map<String, Long> matrices, int firstLayer, int layers) {
        if ((names.isEmpty() && patterns.isEmpty()) || layers < 1) {
            return 0;
        }
        double all = 0;
        double plain = 0;
        for (int layer = firstLayer; layer < firstLayer + layers; layer++) {
            for (var matrix : matrices.entrySet()) {
                all += matrix.getValue();
                plain += has(layer, List.of(matrix.getKey().split("\\|", -1))) ? matrix.getValue() : 0;
            }
        }
        return all == 0 ? 0 : plain / all;
    }

    private boolean has(int layer, Collection<String> matrix) {
        return matrix.stream()
                .map(name -> "model.layers." + layer + "." + name)
                .anyMatch(module -> named(module)
                        || patterns.stream()
                                .anyMatch(pattern -> pattern.matcher(module).matches()));
    }

    /** True where a run of the module's words is a name of the list: the module's own, one of its parents', or a kind's. */
    private boolean named(String module) {
        var words = module.split("\\.", -1);
        for (int from = 0; from < words.length; from++) {
            var run = new StringBuilder();
            for (int to = from; to < words.length; to++) {
                run.append(to == from ? "" : ".").append(words[to]);
                if (names.contains(run.toString())) {
                    return true;
                }
            }
        }
        return false;
    }
}
