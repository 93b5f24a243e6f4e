package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** The end of an engine with requests in flight, as vLLM 0.32 was seen to end. Steps take as long as on a GPU, so requests last. */
class ShutdownTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int TOKENS = 1500;

    private final HttpClient client = new HttpClient();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    private EngineServer start(String... args) {
        var all = new ArrayList<>(List.of("tiny", "--port", "0", "--simulate", "1x4070tis", "--max-model-len", "2048"));
        all.addAll(Arrays.asList(args));
        try {
            return EngineServer.start(
                    EngineArgs.read(all, OptionalInt.empty()),
                    new EngineLog(new PrintStream(log, true, StandardCharsets.UTF_8)));
        } catch (ArgumentError | StartFailure | IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private String complete(EngineServer server, int tokens, boolean stream) {
        var body = "{\"prompt\":\"x\",\"ignore_eos\":true,\"max_tokens\":" + tokens + ",\"stream\":" + stream
                + (stream ? ",\"stream_options\":{\"include_usage\":true}" : "") + "}";
        try {
            return client.call(
                            "POST",
                            server.url() + "/v1/completions",
                            Map.of("Content-Type", "application/json"),
                            body.getBytes(StandardCharsets.UTF_8),
                            PATIENCE)
                    .text();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static <T> CompletableFuture<T> later(Supplier<T> call) {
        return CompletableFuture.supplyAsync(call, task -> Thread.ofVirtual().start(task));
    }

    private void awaitRunning(EngineServer server, int requests) {
        await().atMost(PATIENCE)
                .until(() -> client.get(server.url() + "/metrics", PATIENCE)
                        .text()
                        .matches("(?s).*vllm:num_requests_running\\{[^}]*} " + requests + "\\.0.*"));
    }

    private String log() {
        return log.toString(StandardCharsets.UTF_8);
    }

    /** The last event with a choice, and the usage behind it. */
    private static void assertStream(String answer, String reason, int leastTokens, int mostTokens) {
        var events = answer.split("\n\n", -1);
        int end = events.length;
        assertThat(events[end - 2]).isEqualTo("data: [DONE]");
        assertThat(Json.parse(events[end - 4].substring("data: ".length()))
                        .at("/choices/0/finish_reason")
                        .asString())
                .isEqualTo(reason);
        assertThat(Json.parse(events[end - 3].substring("data: ".length()))
                        .at("/usage/completion_tokens")
                        .asInt())
                .isBetween(leastTokens, mostTokens);
    }

    @Test
    void withoutTimeout_whatIsInFlightIsAborted_andTold() {
        var server = start();
        var streamed = later(() -> complete(server, TOKENS, true));
        var whole = later(() -> complete(server, TOKENS, false));
        awaitRunning(server, 2);
        server.close();
        assertStream(streamed.join(), "abort", 1, TOKENS - 1);
        assertThat(Json.parse(whole.join()).at("/choices/0/finish_reason").asString())
                .isEqualTo("abort");
        assertThat(log())
                .contains("stopping engine client mode=abort timeout=0s")
                .contains("aborting in-flight requests count=2")
                .contains("Application shutdown complete.");
    }

    @Test
    void withTimeout_whatIsInFlightEnds_andWhatComesThenIsAborted() throws IOException {
        var server = start("--shutdown-timeout", "25");
        var streamed = later(() -> complete(server, TOKENS, true));
        var whole = later(() -> complete(server, TOKENS, false));
        awaitRunning(server, 2);
        var closed = later(() -> {
            server.close();
            return true;
        });
        await().atMost(PATIENCE).until(() -> log().contains("draining in-flight requests count=2 timeout=25s"));
        assertThat(client.get(server.url() + "/health", PATIENCE).status()).isEqualTo(200);
        assertThat(Json.parse(complete(server, 3, false))
                        .at("/choices/0/finish_reason")
                        .asString())
                .isEqualTo("abort");
        assertStream(streamed.join(), "length", TOKENS, TOKENS);
        assertThat(Json.parse(whole.join()).at("/usage/completion_tokens").asInt())
                .isEqualTo(TOKENS);
        assertThat(closed.join()).isTrue();
        assertThat(log()).contains("mode=drain timeout=25s").doesNotContain("aborting in-flight");
    }

    @Test
    void loadIsCounted_whereItIsAskedFor() throws IOException {
        for (var asked : List.of(List.of("--enable-server-load-tracking"), List.<String>of())) {
            var server = start(asked.toArray(String[]::new));
            var streamed = later(() -> complete(server, TOKENS, true));
            awaitRunning(server, 1);
            assertThat(client.get(server.url() + "/load", PATIENCE).text())
                    .isEqualTo("{\"server_load\":" + asked.size() + "}");
            server.close();
            streamed.join();
        }
    }

    @Test
    void whatOutlivesTheTimeout_isAborted() {
        var server = start("--shutdown-timeout", "1", "--fault", "hang:5");
        var streamed = later(() -> complete(server, TOKENS, true));
        awaitRunning(server, 1);
        server.close();
        assertStream(streamed.join(), "abort", 1, 6);
        assertThat(log()).contains("aborting in-flight requests count=1");
    }
}
