package bestfit.config;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLParser;

/**
 * A YAML document in which an alias stands for what its anchor marks and the key {@code <<} for the keys of other maps, as PyYAML
 * reads it: Jackson takes an alias for a text, the anchor's name.
 */
final class YamlTree {
    /** More than any file needs; aliases of aliases make millions of a few lines. */
    private static final int MOST_COPIED = 100_000;

    private static final YAMLMapper MAPPER = YAMLMapper.builder().build();
    private static final ObjectReader SCALARS = // what follows one is no trailing token
            MAPPER.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final YAMLParser parser;
    private final String text;
    private final Map<String, JsonNode> anchors = new HashMap<>();
    private int copied;

    private YamlTree(YAMLParser parser, String text) {
        this.parser = parser;
        this.text = text;
    }

    /**
     * A missing node for an empty text.
     *
     * @throws StreamReadException if it is no YAML, or more than one document
     */
    static JsonNode read(String text) {
        try (var parser = parser(text)) {
            if (parser.nextToken() == null) {
                return MissingNode.getInstance();
            }
            var root = new YamlTree(parser, text).node();
            if (parser.nextToken() != null) {
                throw new StreamReadException(parser, "a second document begins here; a file holds one");
            }
            return root;
        }
    }

    /** The events of a document. */
    static YAMLParser parser(String text) {
        return (YAMLParser) MAPPER.createParser(text);
    }

    private JsonNode node() {
        if (parser.isCurrentAlias()) {
            return copy(parser.getString());
        }
        var anchor = anchor();
        var node = switch (parser.currentToken()) {
            case START_OBJECT -> map();
            case START_ARRAY -> list();
            default -> SCALARS.readTree(parser);
        };
        if (anchor != null) {
            anchors.put(anchor, node);
        }
        return node;
    }

    /** The parser tells those of maps and lists; a value's is where its event begins, counted in code points. */
    private @Nullable String anchor() {
        var told = parser.getObjectId();
        int at = text.offsetByCodePoints(0, (int) parser.currentTokenLocation().getCharOffset());
        return told != null || !text.startsWith("&", at)
                ? told
                : text.substring(at + 1).split("\\s", 2)[0];
    }

    private JsonNode map() {
        var map = Json.object();
        var merged = Json.object();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var key = parser.currentName();
            parser.nextToken();
            var value = node();
            if (key.equals("<<") && value.isContainer()) {
                merge(value, merged);
            } else {
                map.set(key, value);
            }
        }
        merge(merged, map);
        return map;
    }

    /** Adds the keys of a map, or of each map of a list, that are not there yet. */
    private static void merge(JsonNode from, ObjectNode into) {
        if (from.isArray()) {
            from.forEach(each -> merge(each, into));
        }
        from.properties().forEach(entry -> into.putIfAbsent(entry.getKey(), entry.getValue()));
    }

    private JsonNode list() {
        var list = Json.array();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            list.add(node());
        }
        return list;
    }

    private JsonNode copy(String anchor) {
        var marked = anchors.get(anchor);
        if (marked == null) {
            throw new StreamReadException(parser, "nothing before *" + anchor + " is marked &" + anchor);
        }
        copied += size(marked);
        if (copied > MOST_COPIED) {
            throw new StreamReadException(parser, "aliases make more than " + MOST_COPIED + " values");
        }
        return marked.deepCopy();
    }

    private static int size(JsonNode node) {
        int size = 1;
        for (var each : node) {
            size += size(each);
        }
        return size;
    }
}
