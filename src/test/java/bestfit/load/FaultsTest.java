package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.metrics.Measurement;
import bestfit.workload.Extent;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each way in which a server can go wrong, on a raw socket: the failure is typed and comes in time. */
class FaultsTest {
    private static final String HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    private static final String WORD = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    private static final String USAGE =
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    private static final TimeLimits LIMITS = new TimeLimits(
            Duration.ofSeconds(2), Duration.ofMillis(2500), Duration.ofMillis(400), Duration.ofSeconds(8));
    private static final Duration PATIENT = Duration.ofMinutes(1);

    private static LoadGenerator generator;

    @BeforeAll
    static void open() throws InterruptedException {
        generator = LoadGenerator.open();
    }

    @AfterAll
    static void close() {
        generator.close();
    }

    @ParameterizedTest
    @CsvSource({
        "well, ",
        "informational, ",
        "ten megabytes, ",
        "drip, ",
        "content length, ",
        "DONE without an end of line, ",
        "DONE and nothing, ",
        "closed before the head, reset",
        "JSON, malformed: no event stream but: not a stream",
        "gzip, malformed: no event stream but",
        "redirect, http status: 307",
        "half close, truncated",
        "half close within chunks, truncated",
        "reset, reset",
        "nothing, first token timeout",
        "role and nothing, stalled",
        "429, http status: 429",
        "401, http status: 401",
        "500, http status: 500",
        "error event, error event: out of memory",
        "error event with choices, error event: boom",
        "event named error, error event: overloaded",
        "finish reason error, aborted",
        "no number as usage, no usage",
        "garbage event, malformed",
        "garbage, malformed",
        "no usage, no usage",
        "no done, truncated",
        "one token more, wrong length: 3 tokens in place of 2"
    })
    void fault_isTypedInTime(String fault, String failure) throws Exception {
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> serve(server, fault));
            var measurement = measure(url(server));
            if (failure == null) {
                assertThat(measurement.failure()).isNull();
                assertThat(measurement.outputTokens()).isEqualTo(2);
                assertThat(measurement.chunks().count()).isEqualTo(2);
            } else {
                assertThat(measurement.failure()).startsWith(failure);
            }
            assertThat(measurement.endNanos() - measurement.startNanos())
                    .isLessThan(Duration.ofSeconds(10).toNanos());
        }
    }

    @Test
    void dripWithoutEnd_endsAtTheLimitOfTheWhole() throws Exception {
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> serve(server, "endless drip"));
            var limits = new TimeLimits(PATIENT, PATIENT, PATIENT, Duration.ofMillis(700));
            var measured = run(url(server), new Extent.Requests(1), limits).measurements();
            assertThat(measured.getFirst().failure()).startsWith("timeout");
        }
    }

    /** The answer was whole at {@code [DONE]}: its time ends there, and its user goes on. */
    @Test
    void connectionThatStaysOpenAfterDone_holdsNobody() throws Exception {
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> serve(server, "DONE and nothing"));
            var limits = new TimeLimits(PATIENT, PATIENT, PATIENT, PATIENT);
            var measured = run(url(server), new Extent.Requests(2), limits).measurements();
            assertThat(measured).hasSize(2).allSatisfy(m -> {
                assertThat(m.failure()).isNull();
                assertThat(m.endNanos() - m.lastTokenNanos())
                        .isLessThan(Duration.ofMillis(900).toNanos());
            });
        }
    }

    @Test
    void keptConnectionThatTheServerCloses_isNoFailure() throws Exception {
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> serve(server, "content length"));
            var measured = run(url(server), new Extent.Requests(20), LIMITS).measurements();
            assertThat(measured)
                    .hasSize(20)
                    .allSatisfy(m -> assertThat(m.failure()).isNull());
        }
    }

    private static String url(ServerSocket server) {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    @Test
    void serverThatIsGone_endsTheRun() throws Exception {
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        var result = run("http://127.0.0.1:" + port, new Extent.Lasting(Duration.ofMinutes(5)), LIMITS);
        assertThat(result.measurements())
                .hasSizeLessThan(1000)
                .allSatisfy(m -> assertThat(m.failure()).startsWith("refused"));
    }

    private static Measurement measure(String url) throws InterruptedException {
        return run(url, new Extent.Requests(1), LIMITS).measurements().getFirst();
    }

    private static LoadResult run(String url, Extent extent, TimeLimits limits) throws InterruptedException {
        var job = new LoadJob(
                (_, _) -> Dialogue.single("{}".getBytes(StandardCharsets.UTF_8), 2),
                Integer.MAX_VALUE,
                new Arrivals.Closed(1, Duration.ZERO),
                extent,
                limits,
                Duration.ZERO,
                0,
                new BitSet(),
                0);
        return generator.run(new LoadTarget(url, "m"), LoadTarget.CHAT, job, _ -> {}, new StopSignal());
    }

    private static void serve(ServerSocket server, String fault) {
        try {
            while (true) {
                var socket = server.accept();
                Thread.ofVirtual().start(() -> {
                    try {
                        answer(socket, fault);
                    } catch (IOException clientWent) {
                        // what it saw is what the test looks at
                    }
                });
            }
        } catch (IOException closed) {
            // the test is over
        }
    }

    private static void answer(Socket socket, String fault) throws IOException {
        socket.setTcpNoDelay(true);
        while (socket.getInputStream().read() != '}') {
            // until the request's body has ended
        }
        var out = socket.getOutputStream();
        switch (fault) {
            case "well" -> end(socket, HEAD + WORD + WORD + USAGE + DONE);
            case "informational" ->
                end(
                        socket,
                        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + WORD
                                + WORD + USAGE + DONE);
            case "ten megabytes" ->
                end(socket, HEAD + WORD.replace("\"a\"", "\"" + "a".repeat(10_000_000) + "\"") + WORD + USAGE + DONE);
            case "drip" -> {
                var whole = HEAD + "data: {\"choices\":[{\"delta\":{\"content\":\"é€\uD83D\uDE00\\\"\"}}]}\n\n" + WORD
                        + USAGE + DONE;
                for (byte one : whole.getBytes(StandardCharsets.UTF_8)) {
                    out.write(one);
                    out.flush();
                }
                socket.close();
            }
            case "endless drip" -> {
                send(out, HEAD + WORD + ":");
                while (true) {
                    out.write('.'); // fails once the client has gone
                    out.flush();
                }
            }
            case "content length" -> {
                var body = WORD + WORD + USAGE + DONE;
                end(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
            }
            case "DONE without an end of line" -> end(socket, HEAD + WORD + WORD + USAGE + DONE.strip());
            case "DONE and nothing" -> send(out, HEAD + WORD + WORD + USAGE + DONE);
            case "closed before the head" -> socket.close();
            case "JSON" -> end(socket, "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"message\":\"not a stream\"}");
            case "gzip" -> end(socket, HEAD.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n\u001f\u008b\b"));
            case "redirect" ->
                end(socket, "HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
            case "half close" -> {
                out.write((HEAD + WORD).getBytes(StandardCharsets.UTF_8));
                socket.shutdownOutput();
            }
            case "half close within chunks" -> {
                out.write((HEAD.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n") + "ff\r\n" + WORD)
                        .getBytes(StandardCharsets.UTF_8));
                socket.shutdownOutput();
            }
            case "reset" -> {
                send(out, HEAD + WORD);
                socket.setSoLinger(true, 0);
                socket.close();
            }
            case "nothing" -> {
                // the connection stays open
            }
            case "role and nothing" -> send(out, HEAD + WORD);
            case "429", "401", "500" ->
                end(socket, "HTTP/1.1 " + fault + " No\r\nContent-Length: 18\r\n\r\n{\"message\":\"sorry\"");
            case "error event" ->
                end(socket, HEAD + WORD + "data: {\"error\":{\"message\":\"out of memory\"}}\n\n" + DONE);
            case "error event with choices" ->
                end(socket, HEAD + WORD + "data: {\"choices\":[],\"error\":{\"message\":\"boom\"}}\n\n" + USAGE + DONE);
            case "event named error" ->
                end(socket, HEAD + WORD + "event: error\ndata: {\"message\":\"overloaded\"}\n\n" + USAGE + DONE);
            case "finish reason error" ->
                end(socket, HEAD + WORD + WORD.replace("}}]", "},\"finish_reason\":\"error\"}]") + USAGE + DONE);
            case "no number as usage" -> end(socket, HEAD + WORD + WORD + USAGE.replace(":2}", ":-2}") + DONE);
            case "garbage event" -> end(socket, HEAD + "data: <html>\n\n" + WORD + USAGE + DONE);
            case "garbage" -> end(socket, "\u0000\u0001SSH-2.0-x\r\n\r\n");
            case "no usage" -> end(socket, HEAD + WORD + WORD + DONE);
            case "no done" -> end(socket, HEAD + WORD + WORD + USAGE);
            default -> end(socket, HEAD + WORD + WORD + WORD + USAGE.replace(":2}", ":3}") + DONE);
        }
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static void end(Socket socket, String text) throws IOException {
        send(socket.getOutputStream(), text);
        socket.close();
    }
}
