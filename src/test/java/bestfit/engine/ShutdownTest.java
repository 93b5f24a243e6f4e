package bestfit.engine;

import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The end of an engine with requests in flight, as vLLM 0.32 was seen to end. Steps take as long as on a GPU, so requests last. */
class ShutdownTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int TOKENS = 1500;

    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    private EngineUnderTest start(String... args) {
        var simulated = Stream.of("--simulate", "1x4070tis", "--max-model-len", "2048");
        return EngineUnderTest.logging(
                log, "tiny", Stream.concat(simulated, Arrays.stream(args)).toArray(String[]::new));
    }

    private static String complete(EngineUnderTest engine, int tokens, boolean stream) {
        return engine.post(
                        TEXT,
                        "{\"prompt\":\"x\",\"ignore_eos\":true,\"max_tokens\":" + tokens + ",\"stream\":" + stream
                                + (stream ? ",\"stream_options\":{\"include_usage\":true}" : "") + "}")
                .text();
    }

    private static <T> CompletableFuture<T> later(Supplier<T> call) {
        return CompletableFuture.supplyAsync(call, task -> Thread.ofVirtual().start(task));
    }

    private static void awaitRunning(EngineUnderTest engine, int requests) {
        await().atMost(PATIENCE).until(() -> engine.metric("vllm:num_requests_running") == requests);
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
        var engine = start();
        var streamed = later(() -> complete(engine, TOKENS, true));
        var whole = later(() -> complete(engine, TOKENS, false));
        awaitRunning(engine, 2);
        engine.close();
        assertStream(streamed.join(), "abort", 1, TOKENS - 1);
        assertThat(Json.parse(whole.join()).at("/choices/0/finish_reason").asString())
                .isEqualTo("abort");
        assertThat(log())
                .contains("stopping engine client mode=abort timeout=0s")
                .contains("aborting in-flight requests count=2")
                .contains("Application shutdown complete.");
    }

    @Test
    void withTimeout_whatIsInFlightEnds_andWhatComesThenIsAborted() {
        var engine = start("--shutdown-timeout", "25");
        var streamed = later(() -> complete(engine, TOKENS, true));
        var whole = later(() -> complete(engine, TOKENS, false));
        awaitRunning(engine, 2);
        var closed = later(() -> {
            engine.close();
            return true;
        });
        await().atMost(PATIENCE).until(() -> log().contains("draining in-flight requests count=2 timeout=25s"));
        assertThat(engine.get("/health").status()).isEqualTo(200);
        assertThat(Json.parse(complete(engine, 3, false))
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
    void loadIsCounted_whereItIsAskedFor() {
        for (var asked : List.of(List.of("--enable-server-load-tracking"), List.<String>of())) {
            var engine = start(asked.toArray(String[]::new));
            var streamed = later(() -> complete(engine, TOKENS, true));
            awaitRunning(engine, 1);
            assertThat(engine.get("/load").text()).isEqualTo("{\"server_load\":" + asked.size() + "}");
            engine.close();
            streamed.join();
        }
    }

    @Test
    void whatOutlivesTheTimeout_isAborted() {
        var engine = start("--shutdown-timeout", "1", "--fault", "hang:5");
        var streamed = later(() -> complete(engine, TOKENS, true));
        awaitRunning(engine, 1);
        engine.close();
        assertStream(streamed.join(), "abort", 1, 6);
        assertThat(log()).contains("aborting in-flight requests count=1");
    }
}
