package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.JsonReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;

/**
 * Prompts from a file: a trace in Mooncake's form, conversations in ShareGPT's, JSON objects with a prompt, or the first
 * column of a CSV. docs/workload.md tells the keys.
 */
final class TraceFile {
    static final String TAKES =
            "JSON lines or a JSON list in Mooncake's form (timestamp, input_length, output_length, hash_ids), ShareGPT's"
                    + " (conversations), or with prompt or messages; or a CSV with one prompt a row";

    /** Of a name that an entry has twice, one is a mistake. */
    private static final JsonReader ENTRIES = new JsonReader(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build());

    private static final int MOST_TOLD = 10;

    private TraceFile() {}

    /** @param leftOut conversations of ShareGPT's form without a question, or without its answer where that tells the length */
    record Trace(List<Entry> entries, int leftOut) {}

    /**
     * @param place where the file has it, such as {@code line 3}
     * @param atMillis NaN where no time is told
     */
    record Entry(String place, double atMillis, List<Turn> turns) {}

    /** What is asked at one turn, and what is known of its answer. */
    sealed interface Turn {}

    /** A text; the answer has the tokens told, or those of the text told, or neither is known. */
    record Text(String message, OptionalInt outputTokens, String answer) implements Turn {}

    /**
     * A prompt of which only the length is known, and the blocks of tokens that it shares with others.
     *
     * @param hashIds one for each block of 512 tokens
     */
    record Blocks(int tokens, List<Long> hashIds, int outputTokens) implements Turn {}

    /**
     * Reads all entries.
     *
     * @param lengthsTold a conversation's question needs no answer, as something else tells the length
     * @throws ConfigException naming each wrong line, up to {@value #MOST_TOLD} of them
     */
    static Trace read(Path file, boolean lengthsTold) {
        var lines = TextLines.of(file, TAKES);
        var text = String.join("\n", lines);
        if (!text.stripLeading().startsWith("{") && !text.stripLeading().startsWith("[")) {
            return new Trace(ofRows(CsvColumn.firstOf(text)), 0);
        }
        var entries = new ArrayList<Entry>();
        var wrong = new ArrayList<String>();
        int leftOut = 0;
        boolean isList = text.stripLeading().startsWith("[");
        var nodes = isList ? List.copyOf(parse(file, text).values()) : List.<JsonNode>of();
        for (int i = 0; i < (isList ? nodes.size() : lines.size()); i++) {
            if (!isList && lines.get(i).isBlank()) {
                continue;
            }
            var place = (isList ? "entry " : "line ") + (i + 1);
            try {
                var node = isList ? nodes.get(i) : ENTRIES.read(lines.get(i));
                var entry = entry(place, node, lengthsTold);
                entry.ifPresent(entries::add);
                leftOut += entry.isPresent() ? 0 : 1;
            } catch (JacksonException | ConfigException problem) {
                wrong.add("file " + file + ", " + place + ": "
                        + (problem instanceof JacksonException json
                                ? Json.problemOfLine(json) + "."
                                : problem.getMessage()));
            }
        }
        if (!wrong.isEmpty()) {
            throw new ConfigException(capped(file, wrong));
        }
        if (entries.isEmpty()) {
            throw new ConfigException("file " + file + " holds no entry that can be sent; it takes " + TAKES + ".");
        }
        return new Trace(entries, leftOut);
    }

    private static List<Entry> ofRows(List<String> prompts) {
        return IntStream.range(0, prompts.size())
                .mapToObj(i -> new Entry(
                        "row " + (i + 1), Double.NaN, List.<Turn>of(new Text(prompts.get(i), OptionalInt.empty(), ""))))
                .toList();
    }

    private static List<String> capped(Path file, List<String> wrong) {
        if (wrong.size() <= MOST_TOLD) {
            return wrong;
        }
        var told = new ArrayList<>(wrong.subList(0, MOST_TOLD));
        told.add("file " + file + ": " + (wrong.size() - MOST_TOLD) + " more are wrong.");
        return told;
    }

    private static JsonNode parse(Path file, String text) {
        try {
            return ENTRIES.read(text);
        } catch (JacksonException e) {
            throw new ConfigException("file " + file + ": " + Json.problem(e) + ".");
        }
    }

    /** Empty for a conversation in which nothing can be asked, as public collections have some. */
    private static Optional<Entry> entry(String place, JsonNode node, boolean lengthsTold) {
        double at = node.has("timestamp") ? number(node, "timestamp") : Double.NaN;
        List<Turn> turns;
        if (node.has("input_length")) {
            turns = List.of(blocks(node));
        } else if (node.path("conversations").isArray()) {
            turns = turns(node.path("conversations"), "from", "value");
            turns.removeIf(turn -> turn instanceof Text(var message, var _, var answer)
                    && (message.isBlank() || (answer.isEmpty() && !lengthsTold)));
            if (turns.isEmpty()) {
                return Optional.empty();
            }
        } else if (node.path("messages").isArray()) {
            turns = turns(node.path("messages"), "role", "content");
        } else {
            turns = node.path("prompt").isString()
                    ? List.of(new Text(node.path("prompt").asString(), OptionalInt.empty(), ""))
                    : List.of();
        }
        if (turns.isEmpty()) {
            throw new ConfigException(shortened(node.toString()) + " holds no prompt; it takes " + TAKES + ".");
        }
        if (turns.size() == 1 && turns.getFirst() instanceof Text text && node.has("output_tokens")) {
            var tokens = OptionalInt.of(whole(node, "output_tokens", 1));
            turns = List.of(new Text(text.message(), tokens, text.answer()));
        }
        return Optional.of(new Entry(place, at, turns));
    }

    private static Blocks blocks(JsonNode node) {
        var ids = new ArrayList<Long>();
        for (var id : node.path("hash_ids").values()) {
            if (!id.canConvertToLong() || !id.isIntegralNumber()) {
                throw new ConfigException("hash_ids: " + id + " is not allowed; it takes whole numbers.");
            }
            ids.add(id.longValue());
        }
        // an answer of no token cannot be asked for
        return new Blocks(whole(node, "input_length", 1), ids, Math.max(1, whole(node, "output_length", 0)));
    }

    private static int whole(JsonNode node, String key, int least) {
        var value = node.path(key);
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > LengthDistribution.MOST) {
            throw new ConfigException(key + ": " + (value.isMissingNode() ? "is missing" : value + " is not allowed")
                    + "; it takes a whole number from " + least + " to " + LengthDistribution.MOST + ".");
        }
        return value.intValue();
    }

    private static double number(JsonNode node, String key) {
        if (!node.path(key).isNumber() || !Double.isFinite(node.path(key).doubleValue(Double.NaN))) {
            throw new ConfigException(key + ": " + node.path(key) + " is not allowed; it takes milliseconds.");
        }
        return node.path(key).doubleValue();
    }

    /** User's texts, each with the assistant's text after it; a system text begins the first. */
    private static List<Turn> turns(JsonNode messages, String roleKey, String textKey) {
        var turns = new ArrayList<Turn>();
        var before = "";
        for (var message : messages.values()) {
            var text = text(message.path(textKey));
            switch (message.path(roleKey).asString("")) {
                case "system" -> before = text + "\n\n";
                case "human", "user" -> {
                    turns.add(new Text(before + text, OptionalInt.empty(), ""));
                    before = "";
                }
                default -> {
                    if (!turns.isEmpty()
                            && turns.getLast() instanceof Text asked
                            && asked.answer().isEmpty()) {
                        turns.set(turns.size() - 1, new Text(asked.message(), OptionalInt.empty(), text));
                    }
                }
            }
        }
        return turns;
    }

    /** As a string, or as OpenAI's parts of text, which engines join by line feeds. */
    private static String text(JsonNode content) {
        if (!content.isArray()) {
            return content.asString("");
        }
        var texts = new ArrayList<String>();
        for (var part : content.values()) {
            if (!part.path("text").isString()) {
                throw new ConfigException("content: " + shortened(part.toString()) + " is not allowed; it takes text.");
            }
            texts.add(part.path("text").stringValue());
        }
        return String.join("\n", texts);
    }

    private static String shortened(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }

    /** When each entry is due; refused where one has no time, or they go back. */
    static SendSchedule schedule(Path file, List<Entry> entries, double speed, Extent extent) {
        double first = entries.getFirst().atMillis();
        for (int i = 0; i < entries.size(); i++) {
            double at = entries.get(i).atMillis();
            if (!(at >= (i == 0 ? at : entries.get(i - 1).atMillis()))) {
                throw new ConfigException("file " + file + ", " + entries.get(i).place()
                        + ": a replay needs a timestamp in milliseconds in every entry, ascending.");
            }
        }
        var offsets = IntStream.range(0, entries.size())
                .mapToLong(i -> Math.round((entries.get(i).atMillis() - first) * 1e6 / speed))
                .takeWhile(offset -> offset < extent.mostNanos())
                .toArray();
        return SendSchedule.at(offsets);
    }
}
