package bestfit.engine;

import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.http.HttpClient.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Headers, keys and log lines as seen on the real vLLM 0.32. */
class EngineHttpTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String SHORT = "{\"prompt\":\"x\",\"max_tokens\":2}";

    private static final ByteArrayOutputStream LOGGED = new ByteArrayOutputStream();
    private static EngineServer server;

    @BeforeAll
    static void start() throws IOException, ArgumentError, StartFailure, InterruptedException {
        var args = EngineArgs.read(
                List.of(
                        "tiny",
                        "--port",
                        "0",
                        "--api-key",
                        "k1",
                        "--served-model-name",
                        "a",
                        "b",
                        "--enable-request-id-headers",
                        "--max-model-len",
                        "512"),
                OptionalInt.of(2));
        server = EngineServer.start(args, new EngineLog(new PrintStream(LOGGED, true, StandardCharsets.UTF_8)));
    }

    @AfterAll
    static void stop() {
        server.close();
        assertThat(logged())
                .contains("[shutdown] API server: stopping engine client mode=abort timeout=0s")
                .doesNotContain("aborting in-flight requests")
                .endsWith("INFO:     Application shutdown complete.\n");
    }

    private static String logged() {
        return LOGGED.toString(StandardCharsets.UTF_8);
    }

    private static Answer call(String method, String path, String body, Map<String, String> more) throws IOException {
        var headers = new HashMap<>(Map.of("Authorization", "Bearer k1", "Content-Type", "application/json"));
        headers.putAll(more);
        return new HttpClient()
                .call(method, server.url() + path, headers, body.getBytes(StandardCharsets.UTF_8), PATIENCE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET     | /v1/models | bearer k1 | 200
            GET     | /v1/models | Bearer k2 | 401
            GET     | /v1/models | Basic k1  | 401
            GET     | /v1/models | k1        | 401
            GET     | /v1/nope   | Bearer k2 | 401
            GET     | /v1/nope   | Bearer k1 | 404
            OPTIONS | /v1/models | Bearer k2 | 405
            GET     | /metrics   | Bearer k2 | 200
            """)
    void keysGuardWhatBeginsWithV1(String method, String path, String authorization, int status) throws IOException {
        assertThat(call(method, path, "", Map.of("Authorization", authorization))
                        .status())
                .isEqualTo(status);
    }

    @Test
    void aPathThatCannotBeDecoded_isABadRequest() throws IOException {
        var port = URI.create(server.url()).getPort();
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .startsWith("HTTP/1.1 400 ");
        }
    }

    @Test
    void aRequestIdOfTheHeader_isTheAnswers_evenTwiceAtOnce()
            throws IOException, InterruptedException, ExecutionException {
        var answers = new ArrayList<Future<Answer>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 8; i++) {
                answers.add(threads.submit(() -> call(
                        "POST",
                        TEXT,
                        "{\"prompt\":\"x\",\"max_tokens\":40,\"ignore_eos\":true,\"request_id\":\"body\"}",
                        Map.of("X-Request-Id", "same"))));
            }
        }
        for (var answer : answers) {
            var json = Json.parse(answer.get().text());
            assertThat(json.path("id").asString()).isEqualTo("cmpl-same");
            assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(40);
        }
    }

    /** With {@code --enable-request-id-headers}: the request's, else 32 hexadecimal digits of its own. */
    @Test
    void everyAnswer_hasARequestId() throws IOException {
        var mine = Map.of("X-Request-Id", "mine");
        var stream = "{\"prompt\":\"x\",\"max_tokens\":2,\"stream\":true}";
        for (var answer : List.of(
                call("POST", TEXT, SHORT, mine),
                call("POST", TEXT, stream, mine),
                call("POST", TEXT, "{", mine),
                call("GET", "/nope", "", mine))) {
            assertThat(answer.headers().get("x-request-id")).containsExactly("mine");
        }
        assertThat(call("GET", "/health", "", Map.of()).headers().get("x-request-id"))
                .singleElement()
                .asString()
                .matches("[0-9a-f]{32}");
    }

    @Test
    void anotherRank_isRefused() throws IOException {
        assertThat(call("POST", TEXT, SHORT, Map.of("X-data-parallel-rank", "0"))
                        .status())
                .isEqualTo(200);
        var refused = call("POST", TEXT, SHORT, Map.of("X-data-parallel-rank", "1"));
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.text()).contains("data_parallel_rank 1 is out of range [0, 1).");
    }

    @Test
    void streamsHaveTheRealHeaders() throws IOException {
        var headers = call("POST", TEXT, "{\"prompt\":\"x\",\"max_tokens\":2,\"stream\":true}", Map.of())
                .headers();
        assertThat(headers.get("content-type")).containsExactly("text/event-stream; charset=utf-8");
        assertThat(headers).doesNotContainKey("cache-control");
    }

    @Test
    void theLogHasWhatIsRefusedToo() throws IOException {
        call("GET", "/nope?x=1", "", Map.of());
        call("DELETE", "/health", "", Map.of());
        call("POST", TEXT, "{\"model\":\"it's\",\"prompt\":\"x\"}", Map.of());
        assertThat(logged())
                .contains(
                        "\"GET /nope?x=1 HTTP/1.1\" 404 Not Found",
                        "\"DELETE /health HTTP/1.1\" 405 Method Not Allowed")
                .containsPattern(
                        "ERROR .* \\[serving.py:274] Error with model error=ErrorInfo\\(message=\"The model `it's` does"
                                + " not exist. Valid aliases: a, b.\", type='NotFoundError', param='model', code=404\\)");
    }

    @Test
    void theLogTellsArgsAndKvSpaceAsTheReleaseDoes() {
        assertThat(logged())
                .contains(
                        "non-default args: {'model_tag': 'tiny', 'model': 'tiny', 'api_key': ['***'],"
                                + " 'enable_request_id_headers': True, 'max_model_len': 512, 'port': 0, 'served_model_name': ['a', 'b']}")
                .containsPattern(
                        "\\[kv_cache_utils.py:2327] GPU KV cache size: [\\d,]+ tokens, Maximum concurrency for 512 tokens")
                .contains("[launcher.py:195] Route: /v1/chat/completions, Methods: POST");
    }
}
