package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Distribution;
import bestfit.metrics.Measurement;
import bestfit.metrics.Slo;
import bestfit.workload.Conversation;
import bestfit.workload.ConversationSource;
import bestfit.workload.Extent;
import bestfit.workload.LengthDistribution;
import bestfit.workload.LoadShape;
import bestfit.workload.PromptPlan;
import bestfit.workload.Sampling;
import bestfit.workload.SendSchedule;
import bestfit.workload.Workload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Shapes of load against a real socket. */
class LoadShapesTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int WAIT_MILLIS = 100;

    private static LoadGenerator generator;

    private final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());
    private HttpServer server;

    @BeforeAll
    static void open() throws InterruptedException {
        generator = LoadGenerator.open();
    }

    @AfterAll
    static void close() {
        generator.close();
    }

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.start(
                "127.0.0.1",
                0,
                HttpServer.Limits.DEFAULTS,
                new Router().post(LoadTarget.CHAT, this::answer).get("/metrics", this::metrics));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** Answers with quotes and umlauts, which must come back as they were. */
    private void answer(Exchange exchange) {
        var request = Json.parse(new String(exchange.body(), StandardCharsets.UTF_8));
        requests.add(request);
        var asked = request.at("/messages").get(request.path("messages").size() - 1);
        var text = asked.path("content").asString();
        if (text.startsWith("slow")) {
            LockSupport.parkNanos(WAIT_MILLIS * 1_000_000L); // the engine's work
        }
        if (text.startsWith("reasons")) {
            reasonAloud(exchange);
            return;
        }
        if (text.startsWith("pours")) {
            pour(exchange);
            return;
        }
        if (text.startsWith("broken")) {
            exchange.json(500, Json.object().put("error", "broken"));
            return;
        }
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        for (var piece : List.of("say \"", text + "\" \\ ", "ü\n")) {
            var event = Json.object();
            event.putArray("choices").addObject().putObject("delta").put("content", piece);
            write(stream, event.toString());
        }
        write(stream, "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}");
        write(stream, "[DONE]");
        stream.end();
    }

    /** Tells the tokens so far with every event, of which some hold several. */
    private static void reasonAloud(Exchange exchange) {
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        for (var event : List.of(
                "{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}],\"usage\":{\"completion_tokens\":1}}",
                "{\"choices\":[{\"delta\":{\"reasoning_content\":\"aha\"}}],\"usage\":{\"completion_tokens\":4}}",
                "{\"choices\":[{\"delta\":{\"content\":\"yes\"}}],\"usage\":{\"completion_tokens\":6}}",
                "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":6}}",
                "[DONE]")) {
            write(stream, event);
            LockSupport.parkNanos(10_000_000);
        }
        stream.end();
    }

    /** Events at such distances that a client may let some gather. */
    private static void pour(Exchange exchange) {
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        for (int i = 0; i < 2_000; i++) {
            write(stream, "{\"choices\":[{\"delta\":{\"content\":\"drop\"}}]}");
            LockSupport.parkNanos(100_000);
        }
        write(stream, "[DONE]");
        stream.end();
    }

    private void metrics(Exchange exchange) {
        exchange.text(
                200,
                "# TYPE vllm:prompt_tokens_total counter\nvllm:prompt_tokens_total{engine=\"0\"} " + 9 * requests.size()
                        + "\nvllm:generation_tokens_total{engine=\"0\"} " + 3 * requests.size()
                        + "\nvllm:time_to_first_token_seconds_bucket{le=\"1\"} 4\n");
    }

    private static void write(Exchange.BodyStream stream, String data) {
        stream.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    }

    private static Workload workload(Duration think) {
        return new Workload(
                "",
                Workload.CHAT,
                new LoadShape.Users(1, Duration.ZERO),
                new Extent.Requests(1),
                0,
                new PromptPlan.Generated(new LengthDistribution.Fixed(1), 0, 1),
                Optional.empty(),
                true,
                new LengthDistribution.Fixed(1),
                think,
                Sampling.GREEDY,
                Optional.empty(),
                1);
    }

    private LoadResult run(
            ConversationSource source, Arrivals arrivals, Extent extent, Duration think, List<String> urls)
            throws InterruptedException {
        var job = new LoadJob(
                new BenchBody("m", workload(think), source, false),
                Integer.MAX_VALUE,
                arrivals,
                extent,
                new TimeLimits(LIMIT, LIMIT, LIMIT, LIMIT),
                think,
                0,
                new BitSet(),
                0);
        var target = new LoadTarget(urls, "m", Map.of(), bestfit.http.Tls.SYSTEM);
        return generator.run(target, LoadTarget.CHAT, job, _ -> {}, new StopSignal());
    }

    private static Conversation asking(String... messages) {
        return new Conversation(
                List.of(messages).stream().map(m -> new Conversation.Turn(m, 3)).toList());
    }

    @Test
    void conversation_growsByItsOwnAnswers() throws InterruptedException {
        var think = Duration.ofMillis(30);
        var result = run(
                number -> asking("first " + number, "second", "third"),
                new Arrivals.Closed(2, Duration.ZERO),
                new Extent.Requests(12),
                think,
                List.of(server.url()));
        assertThat(result.measurements()).hasSize(12).allMatch(Measurement::succeeded);
        assertThat(result.measurements().stream().map(Measurement::index))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 12).boxed().toList());
        var longest = requests.stream()
                .filter(request -> request.path("messages").size() == 5)
                .toList();
        assertThat(longest).hasSize(4);
        for (var request : longest) {
            var first = request.at("/messages/0/content").asString();
            assertThat(request.at("/messages/1/role").asString()).isEqualTo("assistant");
            assertThat(request.at("/messages/1/content").asString()).isEqualTo("say \"" + first + "\" \\ ü\n");
            assertThat(request.at("/messages/3/content").asString()).isEqualTo("say \"second\" \\ ü\n");
            assertThat(request.at("/messages/4/content").asString()).isEqualTo("third");
        }
        assertThat(result.wallNanos()).isGreaterThan(4 * think.toNanos());
    }

    /** A rest makes what is sent next late: that is nothing to a user who waited for an answer, but not what an open loop promised. */
    @Test
    void clientLetsAnswersGather_neverInAnOpenLoop() throws InterruptedException {
        ConversationSource pours = number -> asking("pours");
        var closed = run(
                pours,
                new Arrivals.Closed(2, Duration.ZERO),
                new Extent.Requests(2),
                Duration.ZERO,
                List.of(server.url()));
        assertThat(closed.effort().rests()).isPositive();
        var open = run(
                pours,
                new Arrivals.Open(SendSchedule.at(new long[] {0, 1_000_000, 2_000_000, 3_000_000}), 4),
                new Extent.Requests(4),
                Duration.ZERO,
                List.of(server.url()));
        assertThat(open.measurements()).hasSize(4);
        assertThat(open.effort().rests()).isZero();
    }

    @Test
    void reasoningAndTokensOfEachEvent_areToldApart(@TempDir Path folder) throws InterruptedException {
        var asked = new Conversation(List.of(new Conversation.Turn("reasons", 6)));
        var measured = run(
                        _ -> asked,
                        new Arrivals.Closed(1, Duration.ZERO),
                        new Extent.Requests(1),
                        Duration.ZERO,
                        List.of(server.url()))
                .measurements()
                .getFirst();
        assertThat(measured.failure()).isNull();
        assertThat(measured.chunks().tokens()).containsExactly(1, 3, 2);
        assertThat(measured.firstAnswerNanos()).isGreaterThan(measured.firstTokenNanos() + 15_000_000);
        var times = BenchMetrics.of(List.of(measured)).times();
        assertThat(get(times, "first_answer_ms").mean())
                .isGreaterThan(get(times, "ttft_ms").mean() + 15);
        assertThat(get(times, "itl_ms").max()).isLessThan(get(times, "gap_ms").max() * 0.7);

        var file = folder.resolve("events.jsonl");
        try (var log = EventLog.create(file, Json.object())) {
            log.accept(measured);
        }
        var read = EventLog.read(file).measurements().getFirst();
        assertThat(read.chunks()).isEqualTo(measured.chunks());
        assertThat(read.firstAnswerNanos() - read.startNanos())
                .isEqualTo(measured.firstAnswerNanos() - measured.startNanos());
    }

    private static Distribution get(Map<String, Distribution> times, String name) {
        return Objects.requireNonNull(times.get(name), name);
    }

    @Test
    void turnsAfterAFailedOne_areCounted() throws InterruptedException {
        var result = run(
                _ -> asking("good", "broken", "never", "asked"),
                new Arrivals.Closed(1, Duration.ZERO),
                new Extent.Requests(4),
                Duration.ZERO,
                List.of(server.url()));
        assertThat(requests).hasSize(2);
        assertThat(result.measurements())
                .extracting(m -> String.valueOf(m.failure()).split(":", 2)[0])
                .containsExactlyInAnyOrder("null", "http status", "not sent", "not sent");
    }

    @Test
    void openLoopWithACap_countsTheWait() throws InterruptedException {
        var times = LongStream.range(0, 12).map(i -> i * 1_000_000).toArray();
        var result = run(
                _ -> asking("slow"),
                new Arrivals.Open(SendSchedule.at(times), 4),
                new Extent.Requests(12),
                Duration.ZERO,
                List.of(server.url()));
        assertThat(result.measurements()).hasSize(12).allMatch(Measurement::succeeded);
        var waits = result.measurements().stream()
                .sorted(Comparator.comparingInt(Measurement::index))
                .map(m -> m.startNanos() - m.intendedNanos())
                .toList();
        // A loaded machine may keep the first four from being sent in time, but they wait for no place.
        long expected = Math.max(WAIT_MILLIS * 500_000L, Collections.max(waits.subList(0, 4)));
        assertThat(waits.subList(4, 12)).allMatch(wait -> wait > expected);
        // The client did not make them wait.
        assertThat(result.selfCheck().samples().sendLagMillis())
                .filteredOn(lag -> lag < WAIT_MILLIS / 2)
                .hasSizeGreaterThanOrEqualTo(8);
        // Who asked waited for the first token since the request was due.
        var slo = new Slo(Collections.max(waits) / 1e6, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
        assertThat(result.measurements())
                .filteredOn(m -> m.startNanos() - m.intendedNanos() == Collections.max(waits))
                .noneMatch(slo::keeps);
    }

    @Test
    void whatFoundNoPlaceUpToTheEnd_isCounted() throws InterruptedException {
        var times = LongStream.range(0, 12).map(i -> i * 1_000_000).toArray();
        var result = run(
                _ -> asking("slow"),
                new Arrivals.Open(SendSchedule.at(times), 4),
                new Extent.Lasting(Duration.ofMillis(50)),
                Duration.ZERO,
                List.of(server.url()));
        assertThat(result.measurements()).hasSize(12);
        assertThat(result.measurements().stream().filter(Measurement::succeeded).count())
                .isEqualTo(4);
    }

    @Test
    void usersBegin_noFasterThanAServerReads_andAllBeforeOneTakesAnother() throws InterruptedException {
        var result = run(
                _ -> asking("a"),
                new Arrivals.Closed(200, Duration.ZERO),
                new Extent.Requests(200),
                Duration.ZERO,
                List.of(server.url()));
        var begins = begins(result);
        assertThat(IntStream.range(20, begins.length).mapToLong(i -> begins[i] - begins[i - 20]))
                .hasSize(180)
                .allMatch(nanos -> nanos >= 20 * 20_000 - 100_000);
    }

    @Test
    void rampUp_spreadsTheUsersEvenly() throws InterruptedException {
        var result = run(
                _ -> asking("slow"),
                new Arrivals.Closed(4, Duration.ofMillis(WAIT_MILLIS / 2)),
                new Extent.Requests(8),
                Duration.ZERO,
                List.of(server.url()));
        var begins = begins(result);
        assertThat(IntStream.range(1, 4).mapToLong(i -> begins[i] - begins[i - 1]))
                .containsOnly(WAIT_MILLIS * 1_000_000L / 8);
        assertThat(BenchMetrics.mostInFlight(result.measurements())).isEqualTo(4);
    }

    @Test
    void runThatIsOver_waitsForNobodyInItsRampUp() throws InterruptedException {
        var result = run(
                _ -> asking("a"),
                new Arrivals.Closed(2, Duration.ofSeconds(40)),
                new Extent.Requests(5),
                Duration.ZERO,
                List.of(server.url()));
        assertThat(result.measurements()).hasSize(5);
        assertThat(result.wallNanos()).isLessThan(LIMIT.toNanos());
    }

    private static long[] begins(LoadResult result) {
        return result.measurements().stream()
                .mapToLong(Measurement::intendedNanos)
                .sorted()
                .toArray();
    }

    @Test
    void urlsTakeTurns() throws Exception {
        try (var other = new FakeEngine()) {
            run(
                    _ -> asking("a"),
                    new Arrivals.Closed(5, Duration.ZERO),
                    new Extent.Requests(5),
                    Duration.ZERO,
                    List.of(server.url(), other.url()));
            assertThat(requests).hasSize(3);
            assertThat(other.requests()).hasSize(2);
        }
    }

    @Test
    void serversOwnCounters_areRead() throws InterruptedException {
        try (var watch = Objects.requireNonNull(ServerWatch.start(new LoadTarget(server.url(), "m")))) {
            run(
                    _ -> asking("a"),
                    new Arrivals.Closed(1, Duration.ZERO),
                    new Extent.Requests(4),
                    Duration.ZERO,
                    List.of(server.url()));
            var seen = watch.seen().orElseThrow();
            assertThat(seen.growth("prompt_tokens_total")).contains(36.0);
            assertThat(seen.growth("generation_tokens_total")).contains(12.0);
            assertThat(seen.growth("time_to_first_token_seconds_count")).isEmpty();
        }
    }

    /**
     * Two engines behind a balanced port, started in the same hundredth of a second, as vLLM's counters' own times show: one's
     * counters less the other's are no growth, nor is one's alone what the client caused.
     */
    @Test
    void countersOfSeveralEnginesBehindOnePort_areLeftOut() throws Exception {
        var looks = new AtomicInteger();
        var router = new Router().get("/metrics", exchange -> {
            int engine = looks.getAndIncrement() % 2;
            exchange.text(
                    200,
                    "process_start_time_seconds 1.79597342415e+09\nvllm:prompt_tokens_total{engine=\"0\"} " + engine
                            + "\nvllm:prompt_tokens_created{engine=\"0\"} 1.795973505" + engine + "e+09\n");
        });
        try (var port = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router);
                var watch = Objects.requireNonNull(ServerWatch.start(new LoadTarget(port.url(), "m")))) {
            assertThat(watch.seen()).isEmpty();
        }
    }
}
