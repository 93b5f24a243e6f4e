package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What the real vLLM refused (recorded by bench/bad-requests), this engine refuses with the same status, type and body. */
class RefusalsTest {
    private static final Path RECORDED = Path.of("src/test/resources/vllm/refusals.json");
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static byte[] body(JsonNode body) {
        if (body.isString()) {
            return body.stringValue().getBytes(StandardCharsets.UTF_8);
        }
        return body.has("latin1")
                ? body.path("latin1").asString().getBytes(StandardCharsets.ISO_8859_1)
                : body.isNull() ? new byte[0] : body.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, String> headers(JsonNode sent) {
        var type = sent.at("/headers/Content-Type");
        var name = type.isMissingNode() ? "application/json" : type.asString();
        return name.isEmpty() || sent.path("body").isNull() ? Map.of() : Map.of("Content-Type", name);
    }

    /** The embedded model has another vocabulary than the one that was recorded. */
    private static String expected(String body, int vocabulary) {
        return body.replace("Vocabulary size: 4096", "Vocabulary size: " + vocabulary)
                .replace("logprobs of 4096", "logprobs of " + vocabulary)
                .replace("value=4096)", "value=" + vocabulary + ")");
    }

    @Test
    void everyRefusalIsTheRealOnes() throws IOException, ArgumentError, StartFailure, InterruptedException {
        var args = EngineArgs.read(List.of("tiny", "--port", "0", "--max-model-len", "4096"), OptionalInt.empty());
        var recorded = Json.parse(Files.readString(RECORDED));
        var different = new ArrayList<String>();
        try (var server = EngineServer.start(
                args, new EngineLog(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)))) {
            var client = new HttpClient();
            for (var each : recorded) {
                var sent = each.path("case");
                var answer = client.call(
                        sent.path("method").asString(),
                        server.url() + sent.path("path").asString(),
                        headers(sent),
                        body(sent.path("body")),
                        PATIENCE);
                var wanted = each.at("/answer/status").asInt() + " "
                        + expected(each.at("/answer/body").asString(), 2048);
                var found = answer.status() + " " + answer.text();
                if (!wanted.equals(found)) {
                    different.add(
                            sent.path("path") + " " + sent.path("name") + "\n  vLLM " + wanted + "\n  ours " + found);
                }
            }
        }
        assertThat(recorded.size()).isGreaterThan(200);
        assertThat(different).isEmpty();
    }
}
