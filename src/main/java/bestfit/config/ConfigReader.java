package bestfit.config;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads one map of a YAML or JSON file key by key. What is wrong goes to {@link Problems}, and the default is given so
 * that reading goes on. The keys asked for are the known ones. Not thread-safe.
 */
public final class ConfigReader {
    private static final Pattern MALFORMED_NUMBER = Pattern.compile("Malformed numeric value '([^':]*)");

    private final String where;
    private final String path;
    private final ObjectNode map;
    private final Map<String, String> flags;
    private final Problems problems;
    private final Set<String> known = new LinkedHashSet<>();
    private final List<ConfigReader> sections = new ArrayList<>();

    /** @param where begins every problem, such as {@code bench.yml, entry 2} */
    public ConfigReader(String where, ObjectNode map, Problems problems) {
        this(where, map, Map.of(), problems);
    }

    /**
     * @param where begins every problem, such as {@code bench.yml, entry 2}
     * @param flags for values that came from the command line: the flag by the key, {@code load.users} for a key within a
     *     section
     */
    public ConfigReader(String where, ObjectNode map, Map<String, String> flags, Problems problems) {
        this(where, "", map, flags, problems);
    }

    private ConfigReader(String where, String path, ObjectNode map, Map<String, String> flags, Problems problems) {
        this.where = where;
        this.path = path;
        this.map = map;
        this.flags = flags;
        this.problems = problems;
    }

    /**
     * The maps of a YAML file that holds one or a list of them.
     *
     * @throws ConfigException if it cannot be read or is no YAML
     */
    public static List<ConfigReader> ofFile(Path file, Problems problems) {
        return maps(file, problems).entrySet().stream()
                .map(each -> new ConfigReader(each.getKey(), each.getValue(), problems))
                .toList();
    }

    /** The same maps, by where each stands. */
    public static SequencedMap<String, ObjectNode> maps(Path file, Problems problems) {
        var root = parse(file, problems);
        var entries = root.isArray() ? List.copyOf(root.values()) : List.of(root);
        if (entries.isEmpty()) {
            problems.add(file + ": the list is empty; at least one map is needed.");
        }
        var maps = new LinkedHashMap<String, ObjectNode>();
        for (int i = 0; i < entries.size(); i++) {
            var where = entries.size() == 1 ? file.toString() : file + ", entry " + (i + 1);
            if (entries.get(i) instanceof ObjectNode map) {
                maps.put(where, map);
            } else if (shown(entries.get(i)).isBlank()) {
                problems.add(where + " is empty; it takes a map of keys and values.");
            } else {
                problems.add(where + ": \"" + shown(entries.get(i)) + "\" is not a map of keys and values.");
            }
        }
        return maps;
    }

    /** Where this map stands, for problems found by others. */
    public String where() {
        return where;
    }

    public void problem(String key, String what) {
        var flag = flags.get(path + key);
        problems.add((flag == null ? where + ": " + path + key : flag) + ": " + what);
    }

    /** Whether the key is there with a value; it counts as asked for. */
    public boolean has(String key) {
        return value(key) != null;
    }

    /** The map under a key; an empty one if it is missing. Its unknown keys are refused with this reader's. */
    public ConfigReader section(String key) {
        var value = value(key);
        if (value != null && !(value instanceof ObjectNode)) {
            problem(key, "\"" + shown(value) + "\" is not a map of keys and values.");
        }
        var section = new ConfigReader(
                where, path + key + ".", value instanceof ObjectNode found ? found : Json.object(), flags, problems);
        sections.add(section);
        return section;
    }

    /** Null if the key is missing or has no value. */
    public @Nullable String string(String key) {
        var value = value(key);
        if (value == null) {
            return null;
        }
        if (!value.isValueNode()) {
            problem(key, "\"" + value + "\" is not allowed; it takes a text.");
            return null;
        }
        return value.asString();
    }

    public String string(String key, String otherwise) {
        var value = string(key);
        return value == null ? otherwise : value;
    }

    /** Empty text besides a problem if the key is missing. */
    public String requiredString(String key) {
        if (value(key) == null) {
            problem(key, "is missing; it takes a text.");
        }
        return string(key, "");
    }

    public int intKey(String key, int otherwise, int least, int most) {
        var value = value(key);
        return value == null ? otherwise : intValue(key, value, otherwise, least, most);
    }

    /** {@code least} besides a problem if the key is missing. */
    public int requiredInt(String key, int least, int most) {
        var value = value(key);
        if (value == null) {
            problem(key, "is missing; it takes a whole number from " + least + " to " + most + ".");
            return least;
        }
        return intValue(key, value, least, least, most);
    }

    public long longKey(String key, long otherwise) {
        var value = value(key);
        if (value == null) {
            return otherwise;
        }
        if (value.isIntegralNumber() && value.canConvertToLong()) {
            return value.longValue();
        }
        problem(key, "\"" + value.asString() + "\" is not allowed; it takes a whole number.");
        return otherwise;
    }

    /** Both bounds are allowed. */
    public double doubleKey(String key, double otherwise, double least, double most) {
        var value = value(key);
        if (value == null) {
            return otherwise;
        }
        double number =
                value.isNumber() ? value.doubleValue(Double.NaN) : infinite(value.asString()) ? most : Double.NaN;
        if (number >= least && number <= most) {
            return number;
        }
        problem(
                key,
                "\"" + shown(value) + "\" is not allowed; it takes a number from " + plain(least)
                        + (Double.isInfinite(most) ? " up" : " to " + plain(most)) + ".");
        return otherwise;
    }

    private static boolean infinite(String text) {
        return text.equals(".inf") || text.equals("inf");
    }

    private static String plain(double number) {
        return new BigDecimal(Double.toString(number)).stripTrailingZeros().toPlainString();
    }

    /** A length of time, such as {@code 60s}; see {@link Spans}. */
    public Duration durationKey(String key, Duration otherwise, Duration most) {
        var value = value(key);
        if (value == null) {
            return otherwise;
        }
        try {
            return Spans.parse(shown(value), (double) most.toSeconds());
        } catch (ConfigException wrong) {
            problem(key, String.join(" ", wrong.problems()));
            return otherwise;
        }
    }

    /** True or false, as YAML 1.1 and 1.2 spell them. */
    public boolean boolKey(String key, boolean otherwise) {
        var value = value(key);
        if (value == null) {
            return otherwise;
        }
        return switch (value.isValueNode() ? value.asString().toLowerCase(Locale.ROOT) : "") {
            case "true", "yes", "on" -> true;
            case "false", "no", "off" -> false;
            default -> {
                problem(key, "\"" + shown(value) + "\" is not allowed; it takes true or false.");
                yield otherwise;
            }
        };
    }

    /** To be called after all keys were asked for: every other key becomes a problem. */
    public void refuseUnknownKeys() {
        for (var key : map.propertyNames()) {
            if (!known.contains(key)) {
                var nearest = Nearest.to(key, known)
                        .map(name -> "; the nearest known is " + name)
                        .orElse("");
                problem(
                        key,
                        "is not a known key" + nearest + ". Known: "
                                + known.stream().sorted().collect(Collectors.joining(", ")) + ".");
            }
        }
        sections.forEach(ConfigReader::refuseUnknownKeys);
    }

    private @Nullable JsonNode value(String key) {
        known.add(key);
        var value = map.get(key);
        // the parser knows null by its name alone
        return value == null || value.isNull() || value.asString("").equals("~") ? null : value;
    }

    private int intValue(String key, JsonNode value, int otherwise, int least, int most) {
        boolean whole = value.isIntegralNumber() && value.canConvertToLong();
        if (whole && value.longValue() >= least && value.longValue() <= most) {
            return value.intValue();
        }
        problem(
                key,
                "\"" + shown(value) + "\" is not allowed; it takes a whole number from " + least + " to " + most + ".");
        return otherwise;
    }

    private static String shown(JsonNode value) {
        return value.isValueNode() ? value.asString() : value.toString();
    }

    private static JsonNode parse(Path file, Problems problems) {
        try {
            var text = Files.readString(file);
            refuseDuplicateKeys(file, text, problems);
            return YamlTree.read(text);
        } catch (IOException e) {
            throw new ConfigException("File " + file + " cannot be read: " + Unreadable.why(file, e) + ".");
        } catch (JacksonException e) {
            var at = e.getLocation();
            throw new ConfigException("File " + file + " is not YAML"
                    + (at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr()) + ": "
                    + inWords(e.getOriginalMessage().lines().findFirst().orElse("")) + ".");
        }
    }

    /** Where the parser speaks to programmers. */
    private static String inWords(String message) {
        var number = MALFORMED_NUMBER.matcher(message);
        if (number.lookingAt()) {
            return "\"" + number.group(1) + "\" is no number; infinity is written inf";
        }
        return message;
    }

    /** A key that a map has twice becomes a problem; what is read is its last value. */
    private static void refuseDuplicateKeys(Path file, String text, Problems problems) {
        var maps = new ArrayDeque<Set<String>>(); // the keys so far of each map that is open
        try (var parser = YamlTree.parser(text)) {
            for (var token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.START_OBJECT) {
                    maps.push(new HashSet<>());
                } else if (token == JsonToken.END_OBJECT) {
                    maps.pop();
                } else if (token == JsonToken.PROPERTY_NAME && !maps.getFirst().add(parser.currentName())) {
                    problems.add(file + ": " + path(parser) + ": duplicate key at line "
                            + parser.currentTokenLocation().getLineNr() + "; leave one of them out.");
                }
            }
        }
    }

    /** Of a key, without the numbers of the lists that it is in. */
    private static String path(JsonParser parser) {
        var names = new ArrayDeque<String>();
        for (var at = parser.streamReadContext(); at != null; at = at.getParent()) {
            if (at.inObject()) {
                names.push(at.currentName());
            }
        }
        return String.join(".", names);
    }
}
