package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Prompts from a file: a trace in Mooncake's form, conversations in ShareGPT's, JSON objects with a prompt, or the first
 * column of a CSV. docs/workload.md tells the keys.
 */
final class TraceFile {
    static final String TAKES =
            "JSON lines or a JSON list in Mooncake's form (timestamp, input_length, output_length, hash_ids), ShareGPT's"
                    + " (conversations), or with prompt or messages; or a CSV with one prompt a row";

    private TraceFile() {}

    /** @param atMillis NaN where no time is told */
    record Entry(double atMillis, List<Turn> turns) {}

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

    /** @throws ConfigException if it cannot be read, naming the line */
    static List<Entry> read(Path file) {
        var lines = TextLines.of(file, TAKES);
        var first = lines.getFirst().stripLeading();
        if (!first.startsWith("{") && !first.startsWith("[")) {
            return CsvColumn.firstOf(String.join("\n", lines)).stream()
                    .map(prompt -> new Entry(Double.NaN, List.<Turn>of(new Text(prompt, OptionalInt.empty(), ""))))
                    .toList();
        }
        var entries = new ArrayList<Entry>();
        if (first.startsWith("[")) {
            int number = 1;
            for (var node : parse(file, "", String.join("\n", lines)).values()) {
                entries.add(entry(file, "entry " + number++, node));
            }
        } else {
            for (int i = 0; i < lines.size(); i++) {
                var where = "line " + (i + 1);
                entries.add(entry(file, where, parse(file, where, lines.get(i))));
            }
        }
        if (entries.isEmpty()) {
            throw new ConfigException("file " + file + " holds no entry; it takes " + TAKES + ".");
        }
        return entries;
    }

    private static JsonNode parse(Path file, String where, String text) {
        try {
            return Json.parse(text);
        } catch (JacksonException e) {
            throw new ConfigException(
                    "file " + file + (where.isEmpty() ? "" : ", " + where) + ": " + Json.problem(e) + ".");
        }
    }

    private static Entry entry(Path file, String where, JsonNode node) {
        double at = node.path("timestamp").asDouble(Double.NaN);
        List<Turn> turns;
        if (node.has("input_length")) {
            turns = List.of(blocks(node));
        } else if (node.path("conversations").isArray()) {
            turns = turns(node.path("conversations"), "from", "value");
        } else if (node.path("messages").isArray()) {
            turns = turns(node.path("messages"), "role", "content");
        } else {
            turns = node.path("prompt").isString()
                    ? List.of(new Text(node.path("prompt").asString(), tokens(node), ""))
                    : List.of();
        }
        if (turns.isEmpty()) {
            throw new ConfigException("file " + file + ", " + where + ": \"" + shortened(node.toString())
                    + "\" holds no prompt; it takes " + TAKES + ".");
        }
        if (turns.size() == 1
                && turns.getFirst() instanceof Text text
                && tokens(node).isPresent()) {
            turns = List.of(new Text(text.message(), tokens(node), text.answer()));
        }
        return new Entry(at, turns);
    }

    private static Blocks blocks(JsonNode node) {
        var ids = new ArrayList<Long>();
        node.path("hash_ids").values().forEach(id -> ids.add(id.asLong()));
        return new Blocks(
                Math.max(1, node.path("input_length").asInt(1)),
                ids,
                Math.max(1, node.path("output_length").asInt(1)));
    }

    private static OptionalInt tokens(JsonNode node) {
        var told = node.path("output_tokens");
        return told.isIntegralNumber() && told.asInt() > 0 ? OptionalInt.of(told.asInt()) : OptionalInt.empty();
    }

    /** User's texts, each with the assistant's text after it; a system text begins the first. */
    private static List<Turn> turns(JsonNode messages, String roleKey, String textKey) {
        var turns = new ArrayList<Turn>();
        var before = "";
        for (var message : messages.values()) {
            var text = message.path(textKey).asString("");
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

    private static String shortened(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }

    /** When each entry is due; refused where one has no time, or they go back. */
    static SendSchedule schedule(Path file, List<Entry> entries, double speed, Extent extent) {
        double first = entries.getFirst().atMillis();
        for (int i = 0; i < entries.size(); i++) {
            double at = entries.get(i).atMillis();
            if (!(at >= (i == 0 ? at : entries.get(i - 1).atMillis()))) {
                throw new ConfigException("file " + file + ", entry " + (i + 1)
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
