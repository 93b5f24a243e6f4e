package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.metrics.Measurement;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClosedLoopTest {
    private static final RequestOptions OPTIONS =
            RequestOptions.asCompressa(3).withLimits(Duration.ofSeconds(30), Duration.ofSeconds(30));

    private static ClosedLoop loop;

    private final List<Measurement> taken = new CopyOnWriteArrayList<>();
    private final StopSignal stop = new StopSignal();
    private FakeEngine engine;

    @BeforeAll
    static void open() throws InterruptedException {
        loop = ClosedLoop.open();
    }

    @AfterAll
    static void close() {
        loop.close();
    }

    @BeforeEach
    void start() throws Exception {
        engine = new FakeEngine();
    }

    @AfterEach
    void stop() {
        engine.close();
    }

    private LoadResult run(LoadPlan plan) throws InterruptedException {
        return loop.run(engine.target(), plan, taken::addAll, stop);
    }

    private Measurement one(String prompt) throws InterruptedException {
        return run(new LoadPlan(_ -> prompt, 1, 1, OPTIONS)).measurements().getFirst();
    }

    @Test
    void everyRequest_isSentOnceAndMeasured() throws InterruptedException {
        var result = run(new LoadPlan(index -> "prompt " + index, 40, 4, OPTIONS, 100, 2));
        assertThat(result.measurements()).isEqualTo(taken).hasSize(40).allMatch(Measurement::succeeded);
        assertThat(result.stopped()).isFalse();
        assertThat(taken.stream().map(Measurement::index))
                .doesNotHaveDuplicates()
                .allMatch(i -> i >= 100 && i < 140);
        assertThat(engine.requests().stream()
                        .map(r -> r.at("/messages/0/content").asString()))
                .doesNotHaveDuplicates()
                .contains("prompt 100", "prompt 139");
        assertThat(engine.mostUnderWay()).isBetween(1, 4);
        assertThat(taken).allSatisfy(m -> {
            assertThat(m.block()).isEqualTo(2);
            assertThat(m.inputTokens()).isEqualTo(7);
            assertThat(m.outputTokens()).isEqualTo(3);
            assertThat(m.chunks().count()).isEqualTo(3);
            assertThat(m.sentNanos()).isGreaterThanOrEqualTo(m.startNanos());
            assertThat(m.firstContentNanos()).isGreaterThan(m.sentNanos());
            assertThat(m.firstTokenNanos()).isGreaterThanOrEqualTo(m.firstContentNanos());
            assertThat(m.endNanos()).isGreaterThanOrEqualTo(m.lastTokenNanos());
        });
    }

    @Test
    void request_isCompressas() throws InterruptedException {
        one("hello \"you\"");
        var request = engine.requests().getFirst();
        assertThat(request.propertyNames())
                .containsExactly(
                        "temperature", "model", "messages", "stream", "max_tokens", "stream_options", "_nonce");
        assertThat(request.at("/messages/0/content").asString()).isEqualTo("hello \"you\"");
        run(new LoadPlan(_ -> "x", 1, 1, RequestOptions.fixed(5, 70), 3, 0));
        assertThat(engine.requests().getLast().get("ignore_eos").booleanValue()).isTrue();
        assertThat(engine.requests().getLast().get("seed").intValue()).isEqualTo(73);
    }

    @ParameterizedTest
    @CsvSource({
        "reset, reset",
        "error, error event: engine died",
        "abort, aborted",
        "truncated, truncated",
        "empty, empty",
        "no usage, no usage",
        "status, http status: 503 no room"
    })
    void fault_isNamed(String prompt, String failure) throws InterruptedException {
        assertThat(one(prompt).failure()).startsWith(failure);
        assertThat(one("well").succeeded()).isTrue();
    }

    @Test
    void refused_isNamed() throws Exception {
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        var plan = new LoadPlan(_ -> "x", 1, 1, OPTIONS);
        var target = new LoadTarget("http://127.0.0.1:" + port, "m");
        var result = loop.run(target, plan, taken::addAll, stop);
        assertThat(result.measurements().getFirst().failure()).startsWith("refused: ");
    }

    @Test
    void textCannotPoseAsEvent() throws InterruptedException {
        var measurement = one("sly");
        assertThat(measurement.failure()).isNull();
        assertThat(measurement.chunks().count()).isEqualTo(1);
        assertThat(measurement.outputTokens()).isEqualTo(3);
    }

    @Test
    void eventsTornIntoBytes_areRead() throws InterruptedException {
        var measurement = one("torn");
        assertThat(measurement.failure()).isNull();
        assertThat(measurement.inputTokens()).isEqualTo(7);
        assertThat(measurement.chunks().count()).isEqualTo(1);
    }

    @Test
    void silence_endsInTimeout() throws InterruptedException {
        var impatient = OPTIONS.withLimits(Duration.ofMillis(300), Duration.ofSeconds(30));
        var result = run(new LoadPlan(_ -> "slow", 1, 1, impatient));
        assertThat(result.measurements().getFirst().failure()).isEqualTo("stalled: no byte for 0.3 s");
        var hurried = OPTIONS.withLimits(Duration.ofSeconds(30), Duration.ofMillis(300));
        assertThat(run(new LoadPlan(_ -> "slow", 1, 1, hurried))
                        .measurements()
                        .getFirst()
                        .failure())
                .isEqualTo("timeout: not complete within 0.3 s");
    }

    @Test
    void stop_letsRequestsEnd_cutDoesNot() throws Exception {
        var plan = new LoadPlan(index -> index == 0 ? "slow" : "x", 1_000_000, 2, OPTIONS);
        var running = CompletableFuture.supplyAsync(() -> {
            try {
                return run(plan);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Awaitility.await().until(() -> taken.size() > 5);
        stop.stop();
        engine.release();
        var result = running.get(30, TimeUnit.SECONDS);
        assertThat(result.stopped()).isTrue();
        assertThat(result.measurements()).hasSize(engine.requests().size()).allMatch(Measurement::succeeded);

        var cut = new StopSignal();
        cut.cut();
        assertThat(loop.run(engine.target(), plan, taken::addAll, cut).measurements())
                .isEmpty();
    }

    @Test
    void failingSink_endsTheRun() {
        assertThatThrownBy(() -> loop.run(
                        engine.target(),
                        new LoadPlan(_ -> "x", 1_000_000, 2, OPTIONS),
                        _ -> {
                            throw new IllegalStateException("disk full");
                        },
                        stop))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("disk full");
    }
}
