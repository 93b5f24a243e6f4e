package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpClient;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import bestfit.load.EventLog;
import bestfit.metrics.Measurement;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code bestfit bench} as a process, against a server in this one. */
@Tag("slow")
class BenchCommandTest {
    private static final int TEMPLATE = 5;

    @TempDir
    Path folder;

    private static final double CAPACITY = 50;
    private static final double MOST_AT_ONCE = 10;

    private Consumer<Exchange> handler = this::answer;
    private final AtomicLong written = new AtomicLong();

    /** Of the tokens, that {@code /metrics} tells; 0 where the server has no such path. */
    private volatile double share;

    private double room = MOST_AT_ONCE;
    private volatile int tokenizesUntil = Integer.MAX_VALUE;
    private long filledNanos = System.nanoTime();
    private HttpServer server;
    private final Set<String> prompts = ConcurrentHashMap.newKeySet();
    private final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());
    private final List<String> tokens = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.start(
                "127.0.0.1",
                0,
                HttpServer.Limits.DEFAULTS,
                new Router()
                        .post("/tokenize", this::tokenize)
                        .post("/v1/chat/completions", exchange -> handler.accept(exchange))
                        .get("/metrics", this::metrics)
                        .get(
                                "/v1/models",
                                exchange -> exchange.json(
                                        200, Json.parse("{\"data\":[{\"id\":\"first\",\"max_model_len\":200}]}"))));
    }

    @AfterEach
    void close() {
        server.close();
    }

    private void tokenize(Exchange exchange) {
        if (requests.size() >= tokenizesUntil) {
            exchange.json(503, Json.object());
            return;
        }
        var request = body(exchange);
        int count = request.has("messages")
                ? words(request.at("/messages/0/content").asString()) + TEMPLATE
                : words(request.path("prompt").asString());
        exchange.json(200, Json.object().put("count", count).put("max_model_len", 200));
    }

    private void metrics(Exchange exchange) {
        if (share == 0) {
            exchange.text(404, "");
            return;
        }
        exchange.text(
                200,
                "process_start_time_seconds 1.79597342415e+09\nvllm:generation_tokens_total{engine=\"0\"} "
                        + share * written.get() + "\n");
    }

    private static int words(String text) {
        return text.split(" ", -1).length;
    }

    private static JsonNode body(Exchange exchange) {
        return Json.parse(new String(exchange.body(), StandardCharsets.UTF_8));
    }

    private void answer(Exchange exchange) {
        var request = body(exchange);
        requests.add(request);
        tokens.add(exchange.header("Authorization").orElse(""));
        var prompt = request.at("/messages/0/content").asString();
        prompts.add(prompt);
        int count = request.path("max_tokens").asInt();
        written.addAndGet(count);
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        for (int i = 0; i < count; i++) {
            send(stream, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}");
        }
        send(
                stream,
                "{\"choices\":[],\"usage\":{\"prompt_tokens\":" + (words(prompt) + TEMPLATE) + ",\"completion_tokens\":"
                        + count + "}}");
        send(stream, "[DONE]");
        stream.end();
    }

    private static void send(Exchange.BodyStream stream, String data) {
        stream.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Takes 50 requests a second, up to 10 of them at once, and refuses what is more: no late machine leaves it a backlog. */
    private void answerUpToItsCapacity(Exchange exchange) {
        boolean taken;
        synchronized (this) {
            long now = System.nanoTime();
            room = Math.min(MOST_AT_ONCE, room + (now - filledNanos) * CAPACITY / 1e9);
            filledNanos = now;
            taken = room >= 1;
            room -= taken ? 1 : 0;
        }
        if (taken) {
            answer(exchange);
        } else {
            exchange.json(503, Json.parse("{\"error\":{\"message\":\"no room\",\"code\":503}}"));
        }
    }

    private Process begin(String... args) throws IOException {
        return begin("bench", args);
    }

    private Process begin(String words, String... args) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                        .map(entry -> Path.of(entry).toAbsolutePath().toString())
                        .collect(Collectors.joining(File.pathSeparator)),
                "bestfit.cli.Main"));
        command.addAll(List.of(words.split(" ", -1)));
        command.addAll(List.of(server.url(), "--json"));
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment().put("BENCH_TOKEN", "let me in");
        return builder.start();
    }

    /** So many users that send so many requests together, 9 tokens in and 5 out each. */
    private static String[] closedLoop(int users, int requests, String... more) {
        String[] load = {"--concurrency=" + users, "--requests=" + requests, "--prompt-tokens=9", "--output-tokens=5"};
        return joined(load, more);
    }

    private static String[] joined(String[] some, String... more) {
        return Stream.concat(Arrays.stream(some), Arrays.stream(more)).toArray(String[]::new);
    }

    private JsonNode bench(int exit, String... args) throws Exception {
        return ended(exit, begin(args));
    }

    private JsonNode ended(int exit, Process process) throws Exception {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        var err = Files.readString(folder.resolve("err"));
        assertThat(process.exitValue()).as(err).isEqualTo(exit);
        var out = Files.readAllLines(folder.resolve("out"));
        return out.isEmpty() ? Json.object().put("err", err) : Json.parse(out.getLast());
    }

    /** A node's balanced port may show the same one of its two engines at each look, and that one made half of the tokens. */
    @Test
    void countersOfOneEngineOfSeveral_areNoServersCounters() throws Exception {
        share = 0.5;
        var half = bench(0, closedLoop(2, 20));
        assertThat(half.has("server")).isFalse();
        assertThat(half.path("notes").toString()).contains("tell 50 of the 100 output tokens", "several engines");
        share = 1;
        var all = bench(0, closedLoop(2, 20));
        assertThat(all.at("/server/output_tokens/gap").doubleValue()).isZero();
        assertThat(all.path("notes").toString()).doesNotContain("several engines");
    }

    @Test
    void closedLoop_sendsExactUniquePrompts() throws Exception {
        var json = bench(0, closedLoop(4, 60, "--slo=ttft:10000", "--token-env=BENCH_TOKEN"));
        assertThat(json.at("/counts/ok").intValue()).isEqualTo(60);
        assertThat(json.at("/counts/failed").isEmpty()).isTrue();
        assertThat(json.at("/counts/tokens/template").intValue()).isEqualTo(TEMPLATE);
        assertThat(json.at("/counts/output_tokens").intValue()).isEqualTo(300);
        assertThat(json.at("/metrics/goodput/share").doubleValue()).isEqualTo(1);
        assertThat(json.at("/metrics/in_flight/max").intValue()).isBetween(1, 4);
        for (var name : List.of("ttft_ms", "e2e_ms", "first_response_ms")) {
            assertThat(json.at("/metrics/" + name + "/p99").doubleValue())
                    .as(name)
                    .isPositive();
        }
        // this server writes its tokens at once: one read may bring them all
        for (var name : List.of("tpot_ms", "itl_ms", "gap_ms", "stall_ms")) {
            assertThat(json.at("/metrics/" + name + "/p99").isNumber()).as(name).isTrue();
        }
        assertThat(prompts).hasSize(60).allMatch(prompt -> words(prompt) == 9);
        assertThat(requests)
                .allMatch(request -> request.path("ignore_eos").booleanValue()
                        && request.path("model").asString().equals("first"));
        assertThat(tokens).containsOnly("Bearer let me in");
    }

    /** Of 60 requests at a rate of r, 50 / r and up to 10 more are taken: 80 % of them up to a rate of 62 to 79. */
    @Test
    void search_findsTheServersCapacity_andSweepItsThroughput() throws Exception {
        handler = this::answerUpToItsCapacity;
        String[] load = {"--model=m", "--prompt-tokens=9", "--output-tokens=1"};
        var searching = begin(
                "bench search",
                joined(
                        load,
                        "--slo=e2e:400",
                        "--share=0.8",
                        "--requests=60",
                        "--burstiness=inf",
                        "--from=35",
                        "--precision=0.2"));
        assertThat(searching.waitFor(120, TimeUnit.SECONDS)).isTrue();
        var found = Json.parse(Files.readAllLines(folder.resolve("out")).getLast());
        assumeThat(found.at("/probes/" + (found.at("/probes").size() - 1) + "/verdict")
                        .asString(""))
                .as("a client that this machine keeps from sending in time says so and ends")
                .isNotEqualTo("INVALID");
        assertThat(found.at("/rate").doubleValue()).as(found.toString()).isBetween(50.0, 80.0);
        assertThat(found.at("/fails_at").doubleValue()).isBetween(62.0, 100.0);
        var swept = ended(0, begin("bench sweep", joined(load, "--rates=20,100", "--requests=40")))
                .at("/sweep");
        assertThat(swept).hasSize(2);
        assertThat(swept.at("/0/counts/ok").intValue()).isEqualTo(40);
        assertThat(swept.at("/1/counts/failed/http_status").intValue()).isPositive();
    }

    /** At 5 a second, 10 ms hold no request most of the time. */
    @Test
    void search_lengthensAProbeThatWouldSendNothing() throws Exception {
        String[] search = {
            "--from=5",
            "--most=5",
            "--duration=10ms",
            "--slo=ttft:200",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m"
        };
        assertThat(begin("bench search", search).waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(requests).isNotEmpty();
        assertThat(Files.readString(folder.resolve("err"))).doesNotContain("No answer had any text");
    }

    @Test
    void openLoop_keepsItsRate() throws Exception {
        var json =
                bench(0, "--rate=100", "--burstiness=inf", "--duration=2s", "--prompt-tokens=9", "--output-tokens=5");
        assertThat(json.at("/counts/ok").intValue()).isBetween(198, 200);
        assertThat(json.at("/metrics/requests_s/mean").doubleValue()).isCloseTo(100, within(5.0));
    }

    @Test
    void whileItRuns_prometheusReads_andTheOwnErrorIsKept() throws Exception {
        String[] run = {
            "--concurrency=2",
            "--duration=10m",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--calibrate",
            "--metrics-port=0"
        };
        var process = begin(run);
        var err = folder.resolve("err");
        Awaitility.await().until(() -> Files.readString(err).contains("/metrics"));
        var url = Files.readString(err).replaceFirst("(?s).*metrics at (\\S+).*", "$1");
        var http = new HttpClient();
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .until(
                        () -> http.call("GET", url, Map.of(), new byte[0], Duration.ofSeconds(5))
                                .text()
                                .matches(
                                        "(?s).*requests_total\\{outcome=\"ok\"} [1-9].*_seconds_bucket\\{le=\"\\+Inf\"} [1-9].*"));
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        var json = Json.parse(Files.readAllLines(folder.resolve("out")).getLast());
        assertThat(json.at("/instrument/own_error_ms/requests").intValue()).isEqualTo(4);
        assertThat(json.at("/instrument/own_error_ms/ttft_mean").isNumber()).isTrue();
        assertThat(json.at("/instrument/round_trip_ms/least").doubleValue()).isPositive();
        int ended = 0;
        for (var window : json.path("windows")) {
            ended += window.path("ok").intValue();
        }
        assertThat(ended).isPositive().isEqualTo(json.at("/counts/ok").intValue());
    }

    @Test
    void badInput_isToldAllAtOnce() throws Exception {
        var err = bench(
                        2,
                        "--rate=1",
                        "--concurrency=1",
                        "--requests=-3",
                        "--prompt-tokens=9",
                        "--output-tokens=5",
                        "--slo=fast:1",
                        "--endpoint=/x",
                        "--header=Two words=x")
                .path("err")
                .asString();
        assertThat(err).contains("--concurrency", "--requests: \"-3\"", "--slo", "--endpoint", "--header");
        var tooLong = bench(2, "--concurrency=1", "--requests=1", "--prompt-tokens=150", "--output-tokens=60");
        assertThat(tooLong.path("err").asString()).contains("215", "200 tokens");
        var both = bench(2, "--concurrency=0", "--requests=1", "--prompt-tokens=150", "--output-tokens=60");
        assertThat(both.path("err").asString()).contains("--concurrency", "200 tokens");
        var file = Files.writeString(
                folder.resolve("long.jsonl"), "{\"prompt\": \"" + "a ".repeat(160) + "\", \"output_tokens\": 50}\n");
        var traced = bench(2, "--concurrency=1", "--requests=1", "--prompts=" + file);
        assertThat(traced.path("err").asString()).contains("entry 1", "200 tokens");
        var noTokenizer = bench(
                2, "--concurrency=1", "--requests=1", "--prompt-tokens=250", "--output-tokens=6", "--tokenizer=none");
        assertThat(noTokenizer.path("err").asString()).contains("--tokenizer", "200 tokens");
        assertThat(requests).isEmpty();
    }

    @Test
    void killedRun_isResumed() throws Exception {
        var events = folder.resolve("events.jsonl");
        var run = closedLoop(8, 3000, "--model=m", "--events=" + events);
        var process = begin(run);
        Awaitility.await().until(() -> requests.size() > 500);
        process.toHandle().destroyForcibly();
        process.waitFor();
        int ended = EventLog.read(events).measurements().size();
        assertThat(ended).isBetween(1, 2999);
        var resumed = joined(run, "--resume");
        var json = bench(0, resumed);
        assertThat(json.at("/counts/ok").intValue()).isEqualTo(3000);
        assertThat(EventLog.read(events).measurements().stream().map(Measurement::index))
                .hasSize(3000)
                .doesNotHaveDuplicates();
        var again = bench(0, resumed);
        assertThat(again.at("/counts/ok").intValue()).isEqualTo(3000);
        assertThat(again.path("reasons").toString()).doesNotContain("No answer had any text");
        assertThat(again.path("notes").toString()).contains("Nothing was left to send");
    }

    @Test
    void killedSweep_isResumed() throws Exception {
        String[] sweep = {
            "--users=1,4,2",
            "--requests=600",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--events=" + folder.resolve("sweep.jsonl")
        };
        var process = begin("bench sweep", sweep);
        Awaitility.await().until(() -> requests.size() > 800);
        process.toHandle().destroyForcibly();
        process.waitFor();
        assertThat(EventLog.read(folder.resolve("sweep.1-users-1.jsonl")).measurements())
                .hasSize(600);
        int ended = EventLog.read(folder.resolve("sweep.2-users-4.jsonl"))
                .measurements()
                .size();
        assertThat(folder.resolve("sweep.3-users-2.jsonl")).doesNotExist();
        requests.clear();
        var resumed = ended(0, begin("bench sweep", joined(sweep, "--resume")));
        assertThat(resumed.path("sweep")
                        .valueStream()
                        .map(run -> run.at("/counts/ok").intValue()))
                .containsExactly(600, 600, 600);
        assertThat(requests).hasSize(600 - ended + 600);
        requests.clear();
        assertThat(ended(0, begin("bench sweep", joined(sweep, "--resume"))).path("sweep"))
                .hasSize(3);
        assertThat(requests).isEmpty();
    }

    @Test
    void runThatLastedLongEnough_hasNothingToResume() throws Exception {
        String[] run = {
            "--concurrency=2",
            "--duration=1s",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--warmup=1",
            "--events=" + folder.resolve("events.jsonl")
        };
        int ok = bench(0, run).at("/counts/ok").intValue();
        requests.clear();
        assertThat(bench(0, joined(run, "--resume")).at("/counts/ok").intValue())
                .isEqualTo(ok);
        assertThat(requests).isEmpty();
    }

    /** Killed when half of the conversations had had their first turn only; the server counted both parts, the client looked at the second. */
    @Test
    void conversationsThatWereCut_areBegunAnew() throws Exception {
        share = 1;
        var events = folder.resolve("events.jsonl");
        String[] run = {
            "--rate=200",
            "--burstiness=inf",
            "--requests=20",
            "--turns=2",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--events=" + events
        };
        bench(0, run);
        var lines = Files.readAllLines(events);
        Files.write(
                events,
                lines.stream()
                        .filter(line -> !line.matches("\\{\"i\":1[13579],.*"))
                        .toList());
        assertThat(EventLog.read(events).measurements()).hasSize(15);
        requests.clear();
        var resumed = bench(0, joined(run, "--resume"));
        assertThat(requests).hasSize(10);
        assertThat(resumed.at("/counts/ok").intValue()).isEqualTo(20);
        assertThat(resumed.path("notes").toString())
                .contains("after the interruption")
                .doesNotContain("several engines");
    }

    /** A run that was killed before it had begun, the same command given twice, and files that cannot be written in the end. */
    @Test
    void nothingMeasured_isLost() throws Exception {
        var events = folder.resolve("events.jsonl");
        var run = closedLoop(2, 4, "--model=m", "--events=" + events);
        assertThat(bench(0, joined(run, "--resume")).at("/counts/ok").intValue())
                .isEqualTo(4);
        assertThat(bench(0, run).at("/counts/ok").intValue()).isEqualTo(4);
        assertThat(EventLog.read(folder.resolve("events.jsonl.1")).measurements())
                .hasSize(4);
        assertThat(EventLog.read(events).measurements()).hasSize(4);
        int before = requests.size();
        var unwritable = joined(
                run,
                "--csv=" + folder,
                "--save-result=" + folder.resolve("none/r.json"),
                "--compressa-db=" + events,
                "--warmup=-1");
        var err = bench(2, unwritable).path("err").asString();
        assertThat(err).contains("--csv: ", "--save-result: ", "events.jsonl is not an SQLite database", "--warmup: ");
        assertThat(requests).hasSize(before);
    }

    @Test
    void sweep_tellsWhatItMeasuredBeforeTheServerWent() throws Exception {
        tokenizesUntil = 4;
        String[] sweep = {"--users=1,2,3", "--requests=4", "--prompt-tokens=9", "--output-tokens=5", "--model=m"};
        var swept = ended(1, begin("bench sweep", sweep));
        assertThat(swept.path("sweep")).hasSize(1);
        assertThat(swept.at("/sweep/0/counts/ok").intValue()).isEqualTo(4);
        assertThat(Files.readString(folder.resolve("err"))).contains("/tokenize answered 503");
    }
}
