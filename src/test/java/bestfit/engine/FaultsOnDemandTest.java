package bestfit.engine;

import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import bestfit.deploy.AnswerCheck;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kinds of {@code --fault} that leave the process alive; those that end it are tried as processes. */
class FaultsOnDemandTest {
    private static final String STREAM = "{\"prompt\":\"x\",\"max_tokens\":40,\"ignore_eos\":true,\"stream\":true}";

    private static <T> CompletableFuture<T> later(Supplier<T> call) {
        return CompletableFuture.supplyAsync(call, Thread.ofVirtual()::start);
    }

    @Test
    void outOfMemory_comesWithALongPromptAlone_andKillsTheEngine() {
        try (var engine = EngineUnderTest.start("--fault", "oom:50")) {
            engine.json(TEXT, "{\"prompt\":[5,6,7],\"max_tokens\":2}");
            var answer = engine.post(TEXT, "{\"prompt\":\"" + "long ".repeat(200) + "\",\"max_tokens\":2}");
            assertThat(answer.status()).isEqualTo(500);
            assertThat(answer.text()).contains("EngineCore encountered an issue");
            assertThat(engine.get("/health").status()).isEqualTo(503);
        }
    }

    @Test
    void nan_givesTokenZeroForEver() {
        try (var engine = EngineUnderTest.start("--fault", "nan")) {
            var answer = engine.json(
                    TEXT, "{\"prompt\":[5,6,7],\"max_tokens\":4,\"ignore_eos\":true,\"return_token_ids\":true}");
            assertThat(answer.at("/choices/0/token_ids").toString()).isEqualTo("[0,0,0,0]");
            assertThat(new AnswerCheck(engine.server.url(), "tiny", Map.of()).problem(Duration.ofSeconds(30)))
                    .hasValueSatisfying(problem -> assertThat(problem).contains("\"!\"", "NaN", "not a number"));
        }
        try (var healthy = EngineUnderTest.start()) {
            assertThat(new AnswerCheck(healthy.server.url(), "tiny", Map.of()).problem(Duration.ofSeconds(30)))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 20})
    void reset_cutsEachStreamAfterSoManyTokens_andTheEngineLives(int tokens) {
        try (var engine = EngineUnderTest.start("--fault", "reset:" + tokens)) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> engine.post(TEXT, STREAM)).isInstanceOf(AssertionError.class);
            }
            assertThat(engine.get("/health").status()).isEqualTo(200);
            assertThat(engine.post(TEXT, "{\"prompt\":\"x\",\"max_tokens\":4}").status())
                    .as("whole answers are left alone")
                    .isEqualTo(200);
            await().untilAsserted(() ->
                    assertThat(engine.metric("vllm:num_requests_running")).isZero());
        }
    }

    @Test
    void hang_givesNoFurtherToken_whileHealthIsGood() {
        try (var engine = EngineUnderTest.start("--fault", "hang:5")) {
            var answer = later(() -> engine.post(TEXT, STREAM).status());
            await().untilAsserted(() ->
                    assertThat(engine.metric("vllm:generation_tokens_total")).isBetween(4.0, 5.0));
            assertThat(engine.get("/health").status()).isEqualTo(200);
            assertThat(engine.metric("vllm:num_requests_running")).isEqualTo(1);
            assertThat(answer).isNotDone();
        }
    }

    /** Steps of 10 ms: a fault of 900 % adds 90 to each of twenty, and no machine is ever early. */
    @Test
    void slow_makesEveryStepLonger() {
        try (var engine = EngineUnderTest.start(
                "--simulate", "1xH100,step=0.01", "--num-gpu-blocks-override", "1000", "--fault", "slow:900")) {
            long start = System.nanoTime();
            engine.json(TEXT, "{\"prompt\":[5,6,7],\"max_tokens\":20,\"ignore_eos\":true}");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(20 * 90));
        }
    }

    @Test
    void neverReady_livesAndNeverAnswers() throws InterruptedException {
        var start = later(() -> EngineUnderTest.start("--fault", "never-ready"));
        await().pollDelay(Duration.ofMillis(300)).until(() -> !start.isDone());
        assertThat(start.completeOnTimeout(null, 200, TimeUnit.MILLISECONDS).join())
                .as("no engine")
                .isNull();
    }
}
