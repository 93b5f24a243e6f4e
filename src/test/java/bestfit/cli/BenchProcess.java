package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code bestfit bench} as a process, against a server in this one. */
abstract class BenchProcess {
    /** Tokens that the server's chat template adds to a prompt. */
    static final int TEMPLATE = 5;

    @TempDir
    Path folder;

    Consumer<Exchange> handler = this::answer;

    /** Of the tokens, that {@code /metrics} tells; 0 where the server has no such path. */
    volatile double share;

    /** Requests after which {@code /tokenize} answers no more. */
    volatile int tokenizesUntil = Integer.MAX_VALUE;

    /** Requests after which the next ones wait for {@link #released}. */
    volatile int answersUntil = Integer.MAX_VALUE;

    final CountDownLatch released = new CountDownLatch(1);

    /** Nobody is answered without a key. */
    volatile boolean locked;

    /** What the user writes behind the server's address. */
    String urlEnd = "";

    final Set<String> prompts = ConcurrentHashMap.newKeySet();
    final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());
    final List<String> tokens = Collections.synchronizedList(new ArrayList<>());
    private final AtomicLong written = new AtomicLong();
    private HttpServer server;

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
                                        locked ? 401 : 200,
                                        locked
                                                ? Json.object()
                                                : Json.parse(
                                                        "{\"data\":[{\"id\":\"first\",\"max_model_len\":200}]}"))));
    }

    @AfterEach
    void close() {
        released.countDown();
        server.close();
    }

    private void tokenize(Exchange exchange) {
        if (locked || requests.size() >= tokenizesUntil) {
            exchange.json(locked ? 401 : 503, Json.object());
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

    static int words(String text) {
        return text.split(" ", -1).length;
    }

    private static JsonNode body(Exchange exchange) {
        return Json.parse(new String(exchange.body(), StandardCharsets.UTF_8));
    }

    void answer(Exchange exchange) {
        var request = body(exchange);
        requests.add(request);
        if (requests.size() > answersUntil) {
            awaitRelease();
        }
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

    private void awaitRelease() {
        try {
            released.await();
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /** Kills a run that is under way, however late this is: the server gives it so many answers and no more. */
    void killAfter(int answers, String words, String... args) throws IOException, InterruptedException {
        answersUntil = answers;
        var process = begin(words, args);
        Awaitility.await().until(() -> requests.size() > answers);
        process.toHandle().destroyForcibly();
        process.waitFor();
        answersUntil = Integer.MAX_VALUE;
        released.countDown();
    }

    private static void send(Exchange.BodyStream stream, String data) {
        stream.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    }

    Process begin(String... args) throws IOException {
        return begin("bench", args);
    }

    Process begin(String words, String... args) throws IOException {
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
        command.addAll(List.of(server.url() + urlEnd, "--json"));
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment().put("BENCH_TOKEN", "let me in");
        return builder.start();
    }

    /** So many users that send so many requests together, 9 tokens in and 5 out each. */
    static String[] closedLoop(int users, int requests, String... more) {
        String[] load = {"--concurrency=" + users, "--requests=" + requests, "--prompt-tokens=9", "--output-tokens=5"};
        return joined(load, more);
    }

    static String[] joined(String[] some, String... more) {
        return Stream.concat(Arrays.stream(some), Arrays.stream(more)).toArray(String[]::new);
    }

    JsonNode bench(int exit, String... args) throws Exception {
        return ended(exit, begin(args));
    }

    JsonNode ended(int exit, Process process) throws Exception {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        var err = Files.readString(folder.resolve("err"));
        assertThat(process.exitValue()).as(err).isEqualTo(exit);
        var out = Files.readAllLines(folder.resolve("out"));
        return out.isEmpty() ? Json.object().put("err", err) : Json.parse(out.getLast());
    }
}
