package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Engines that live but do not work, as processes: the node tells them from busy ones and from sick ones. */
@Tag("slow")
class LivenessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration GRACE = Duration.ofSeconds(3);
    private final HttpClient http = new HttpClient();

    @TempDir
    Path home;

    private NodeServer node(EngineProgram engine) throws IOException {
        var base = NodeContractTest.options(home, true, PATIENCE);
        return NodeServer.start(new NodeOptions(
                base.host(),
                0,
                0,
                engine,
                1,
                true,
                new StartLimit.Fixed(PATIENCE),
                GRACE,
                GRACE,
                List.of(),
                NodeOptions.Security.NONE,
                bestfit.http.HttpServer.Limits.DEFAULTS,
                home,
                base.environment(),
                "test"));
    }

    private HttpClient.Answer post(String url, String body) throws IOException {
        var json = Map.of("Content-Type", "application/json");
        return http.call("POST", url, json, body.getBytes(StandardCharsets.UTF_8), PATIENCE);
    }

    private void up(NodeServer node, String model) throws IOException {
        var answer = post(url(node) + "/api/v1/inference/up", "{\"model\":\"" + model + "\",\"dtype\":\"auto\"}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    }

    private static String url(NodeServer node) {
        return node.announcement().path("management").stringValue();
    }

    private JsonNode instance(NodeServer node) throws IOException {
        return http.get(url(node) + "/api/v1/inference/instances", PATIENCE)
                .json()
                .orElseThrow()
                .path("instances")
                .get(0);
    }

    @Test
    void engineThatMakesNoToken_isHung_thoughItsHealthIsGood_andIsStartedAgain() throws IOException {
        try (var node = node(new EngineProgram.Embedded(Optional.of("hang:40"), List.of()))) {
            up(node, "tiny");
            long pid = instance(node).path("pid").asLong();
            var stuck = CompletableFuture.supplyAsync(() -> {
                try {
                    return post(
                                    url(node) + "/v1/completions",
                                    Json.object()
                                            .put("model", "tiny")
                                            .put("prompt", "Hello")
                                            .put("max_tokens", 200)
                                            .put("ignore_eos", true)
                                            .toString())
                            .status();
                } catch (IOException cut) {
                    return -1;
                }
            });
            await().atMost(PATIENCE)
                    .until(() -> instance(node).path("in_flight").asInt() == 1);
            assertThat(http.get(
                                    "http://127.0.0.1:"
                                            + instance(node).path("port").asInt() + "/health",
                                    PATIENCE)
                            .status())
                    .isEqualTo(200);
            // Not its state: on a slow machine it is given up in the look that finds it hung.
            await().atMost(PATIENCE)
                    .until(() -> instance(node)
                            .path("failure")
                            .path("class")
                            .asString("")
                            .equals("hung"));
            var failure = instance(node).path("failure");
            assertThat(failure.path("class").stringValue()).isEqualTo("hung");
            assertThat(failure.path("line").stringValue()).contains("no token came for");
            await().atMost(PATIENCE).until(() -> {
                var now = instance(node);
                return now.path("state").stringValue().equals("serving")
                        && now.path("pid").asLong() != pid
                        && now.path("restarts").asInt() == 1;
            });
            assertThat(stuck.join()).as("what was cut is no answer").isNotEqualTo(200);
        }
    }

    @Test
    void stoppedProcess_isHung() throws IOException, InterruptedException {
        try (var node = node(NodeContractTest.options(home, true, PATIENCE).engine())) {
            up(node, "some/model");
            long pid = instance(node).path("pid").asLong();
            new ProcessBuilder("kill", "-STOP", Long.toString(pid)).start().waitFor();
            await().atMost(PATIENCE)
                    .until(() -> instance(node)
                            .path("failure")
                            .path("class")
                            .asString("")
                            .equals("hung"));
            await().atMost(PATIENCE)
                    .until(() -> instance(node).path("state").stringValue().equals("serving")
                            && instance(node).path("pid").asLong() != pid);
        }
    }
}
