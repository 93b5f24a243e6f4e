package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the real vLLM answered (recorded by bench/parameters), this engine answers on the same checkpoint: texts, tokens, reasons, counts, and
 * fields in the same order; log-probabilities within 0.002. Ids, times and how many tokens share an event are left out.
 */
class RecordedAnswersTest {
    private static final Path VLLM = Path.of("src/test/resources/vllm");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final double ALIKE = 0.002;
    private static final Set<String> OWN =
            Set.of("id", "item_id", "created", "created_at", "system_fingerprint", "sequence_number");

    /** An answer as one value: a stream is the list of its events, those that only bring more text put together. */
    private static JsonNode value(String answer) {
        if (!answer.startsWith("data: ") && !answer.startsWith("event: ")) {
            return Json.parse(answer);
        }
        var events = Json.array();
        for (var event : answer.strip().split("\n\n", -1)) {
            var data = event.substring(event.indexOf("data: ") + "data: ".length());
            if (data.startsWith("{")) {
                add(events, (ObjectNode) Json.parse(data));
            } else {
                events.add(event);
            }
        }
        return events;
    }

    private static void add(ArrayNode events, ObjectNode event) {
        var key = key(event);
        for (var before : events) {
            if (key != null && before instanceof ObjectNode object && key.equals(key(object))) {
                merge(object, event);
                return;
            }
        }
        events.add(event);
    }

    /** What events that continue each other have in common; null for those that stand alone. */
    private static @Nullable String key(ObjectNode event) {
        var choice = event.at("/choices/0");
        if (!choice.isMissingNode()) {
            return choice.path("delta").has("role") ? null : "choice " + choice.path("index");
        }
        var type = event.path("type").asString("");
        return type.equals("content_block_delta") || type.equals("response.output_text.delta") ? type : null;
    }

    private static void merge(ObjectNode into, ObjectNode more) {
        for (var field : more.properties()) {
            var name = field.getKey();
            var old = into.get(name);
            var value = field.getValue();
            if (old instanceof ObjectNode object && value instanceof ObjectNode other) {
                merge(object, other);
            } else if (name.equals("choices")) {
                merge((ObjectNode) old.get(0), (ObjectNode) value.get(0));
            } else if (old instanceof ArrayNode list && value instanceof ArrayNode other) {
                list.addAll(other);
            } else if (Set.of("content", "text", "delta").contains(name) && value.isString()) {
                into.put(name, old.asString("") + value.stringValue());
            } else if (old == null || !value.isNull()) { // what one event told, those after it do not take back
                into.set(name, value);
            }
        }
    }

    /** Where two values first differ; null if nowhere. */
    private static @Nullable String difference(String at, JsonNode wanted, JsonNode found) {
        if (wanted.isObject() && found.isObject()) {
            boolean event = at.matches("/\\d+.*");
            if (!names(wanted, event).equals(names(found, event))) {
                return at + ": " + names(wanted, event) + " but " + names(found, event);
            }
            for (var field : wanted.properties()) {
                var name = field.getKey();
                var other = OWN.contains(name) ? null : difference(at + "/" + name, field.getValue(), found.get(name));
                if (other != null) {
                    return other;
                }
            }
            return null;
        }
        if (wanted.isArray() && found.isArray() && wanted.size() == found.size()) {
            for (int i = 0; i < wanted.size(); i++) {
                var other = difference(at + "/" + i, wanted.get(i), found.get(i));
                if (other != null) {
                    return other;
                }
            }
            return null;
        }
        boolean numbers = wanted.isFloatingPointNumber() && found.isNumber();
        boolean alike = numbers ? Math.abs(wanted.doubleValue() - found.doubleValue()) < ALIKE : wanted.equals(found);
        return alike ? null : at + ": " + wanted + " but " + found;
    }

    /** Events that were put together have lost the order of their fields. */
    private static List<String> names(JsonNode object, boolean sorted) {
        var names = object.properties().stream().map(Map.Entry::getKey);
        return sorted ? names.sorted().toList() : names.toList();
    }

    @Test
    void everyAnswerIsTheRealOnes() throws IOException {
        var recorded = Json.parse(Files.readString(VLLM.resolve("answers.json")));
        var different = new ArrayList<String>();
        try (var engine = EngineUnderTest.serving(
                VLLM.resolve("model").toString(),
                "--served-model-name",
                "tiny",
                "--max-model-len",
                "1024",
                "--dtype",
                "float32",
                "--kv-cache-memory-bytes",
                "64M",
                "--block-size",
                "128",
                "--enable-prompt-tokens-details")) {
            var client = new HttpClient();
            for (var each : recorded) {
                var body = each.path("body").toString().getBytes(StandardCharsets.UTF_8);
                var answer = client.call(
                        "POST",
                        engine.server.url() + each.path("path").asString(),
                        Map.of("Content-Type", "application/json"),
                        body,
                        PATIENCE);
                var found = answer.status() != each.path("status").asInt()
                        ? "status: " + answer.status() + " " + answer.text()
                        : difference("", value(each.path("answer").asString()), value(answer.text()));
                if (found != null) {
                    different.add(each.path("path").asString() + " " + each.path("body") + "\n  " + found);
                }
            }
        }
        assertThat(recorded.size()).isGreaterThan(100);
        assertThat(different).isEmpty();
    }
}
