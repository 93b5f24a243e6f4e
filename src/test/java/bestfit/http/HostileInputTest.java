package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that no honest client sends, to a relay in front of a server that counts what gets through. */
class HostileInputTest {
    private static final HttpServer.Limits LIMITS = new HttpServer.Limits(
            10_000, 4_000, 6_000, TimeUnit.SECONDS.toNanos(20), TimeUnit.MILLISECONDS.toNanos(800));
    private final AtomicInteger secret = new AtomicInteger();
    private final AtomicInteger inFlight = new AtomicInteger();
    private final HttpClient client = new HttpClient();
    private HttpServer upstream;
    private HttpServer relay;

    @BeforeEach
    void start() throws IOException {
        upstream = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, new Router().on("*", "/*", exchange -> {
                    if (exchange.path().equals("/v1/secret")) {
                        secret.incrementAndGet();
                    }
                    exchange.respond(200, Map.of(), exchange.body());
                }));
        Relay.Upstream only = new Relay.Upstream("127.0.0.1", upstream.port());
        Relay.Picker picker = new Relay.Picker() {
            @Override
            public Relay.@Nullable Upstream pick(int attempt) {
                if (attempt > 0) {
                    return null;
                }
                inFlight.incrementAndGet();
                return only;
            }

            @Override
            public void done(Relay.Upstream which, boolean failed) {
                inFlight.decrementAndGet();
            }
        };
        relay = HttpServer.start(
                "127.0.0.1",
                0,
                LIMITS,
                new Router()
                        .on("*", "/v1/open", Relay.to(picker, none -> none.text(503, ""), bad -> bad.text(502, ""))));
    }

    @AfterEach
    void close() {
        relay.close();
        upstream.close();
    }

    private static final String SMUGGLED = "GET /v1/secret HTTP/1.1\r\nHost: x\r\n\r\n";

    /** Where two readers could disagree on the first request's end, nothing of it may be taken. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
                "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
                "Transfer-Encoding: xchunked\r\n",
                "Transfer-Encoding: identity\r\n",
                "Transfer-Encoding: gzip, chunked\r\n",
                "Transfer-Encoding: chunked, identity\r\n",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                "Transfer-Encoding : chunked\r\n",
                "Transfer-Encoding: \u000bchunked\r\n",
                "Content-Length: 6\r\nContent-Length: 5\r\n",
                "Content-Length: 6, 5\r\n",
                "Content-Length: +6\r\n",
                "Content-Length: -6\r\n",
                "Content-Length: 0x6\r\n",
                "Content-Length : 6\r\n",
                "Content-Length: 6 6\r\n",
                "Content-Length: 99999999999999999999\r\n"
            })
    void ambiguousLengths_areRefused(String framing) throws IOException {
        try (RawClient raw = new RawClient(relay.port())) {
            raw.send("POST /v1/open HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n0\r\n\r\nX" + SMUGGLED);
            String answer = raw.readAll();
            assertThat(answer).startsWith("HTTP/1.1 4");
            assertThat(answer.split("HTTP/1.1 ", -1)).as(answer).hasSize(2);
        }
        assertThat(secret).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/open\r\n\r\n",
                "CONNECT /v1/open HTTP/1.1\r\nHost: x\r\n\r\n",
                "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\n\r\n",
                "GET /v1/open HTTP/1.1\r\n\r\n",
                "GET /v1/open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "GET /v1/open HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
                "GET /v1/open HTTP/1.1\r\nHost: a\r\nA\u0000b: c\r\n\r\n",
                "GET /v1/open HTTP/9.9\r\nHost: a\r\n\r\n",
                "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n",
                "POST /v1/open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                "POST /v1/open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
                "GET /v1/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /v1/open?\u0001 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /v1/open?\rX:y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "POST /v1/open HTTP/1.1\r\nHost: a\r\nContent-Length: 10001\r\n\r\n"
            })
    void malformedRequests_areRefused(String request) throws IOException {
        try (RawClient raw = new RawClient(relay.port())) {
            assertThat(raw.send(request).readAll()).matches("(?s)HTTP/1.1 (?:4|501|505).*");
        }
    }

    @Test
    void tooMuchHead_isRefused() throws IOException {
        try (RawClient raw = new RawClient(relay.port())) {
            raw.send("GET /v1/open HTTP/1.1\r\nHost: a\r\n" + "A: b\r\n".repeat(5_000));
            assertThat(raw.readAll()).startsWith("HTTP/1.1 431");
        }
        try (RawClient raw = new RawClient(relay.port())) {
            raw.send("GET /v1/open?" + "a".repeat(5_000));
            assertThat(raw.readAll()).startsWith("HTTP/1.1 414");
        }
    }

    @Test
    void dribbledRequests_areCutOff_whileHonestOnesGoOn() throws Exception {
        try (RawClient head = new RawClient(relay.port());
                RawClient body = new RawClient(relay.port())) {
            head.send("GET /v1/open HTTP/1.1\r\nHost: a\r\n");
            body.send("POST /v1/open HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
            var dribble = Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        head.send("A: b\r\n");
                        body.send("x");
                        Thread.sleep(50);
                    }
                } catch (IOException | InterruptedException cutOff) {
                    // as it should be
                }
            });
            assertThat(echo("meanwhile")).isEqualTo("meanwhile");
            assertThat(head.readUntil("Request Timeout")).startsWith("HTTP/1.1 408");
            assertThat(body.readUntil("Request Timeout")).startsWith("HTTP/1.1 408");
            dribble.interrupt();
        }
    }

    @Test
    void fiveThousandIdleConnections_leaveRoomForOthers() throws IOException {
        List<SocketChannel> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 5_000; i++) {
                idle.add(SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), relay.port())));
            }
            assertThat(echo("room")).isEqualTo("room");
        } finally {
            for (SocketChannel each : idle) {
                each.close();
            }
        }
        assertThat(echo("still")).isEqualTo("still");
    }

    /** Mutated requests, some of them with a smuggled one behind: no crash, nothing counted for ever, nothing let through. */
    @Test
    void mutatedRequests_neverCrashLeakOrGetThrough() throws Exception {
        Random random = new Random(20_261_124);
        String[] seeds = {
            "GET /v1/open HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /v1/open HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd",
            "POST /v1/open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
            "POST /v1/open HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        };
        for (int i = 0; i < 1_500; i++) {
            StringBuilder text = new StringBuilder(seeds[random.nextInt(seeds.length)]);
            for (int n = random.nextInt(5); n > 0; n--) {
                mutate(text, random);
            }
            try (RawClient raw = new RawClient(relay.port())) {
                raw.send(text.toString());
                if (random.nextBoolean()) {
                    raw.send("\r\n");
                }
            } catch (IOException cutOff) {
                // allowed
            }
        }
        assertThat(echo("alive")).isEqualTo("alive");
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(inFlight).hasValue(0));
        assertThat(secret).hasValue(0);
    }

    private static void mutate(StringBuilder text, Random random) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(5)) {
            case 0 -> text.setCharAt(at, (char) random.nextInt(256));
            case 1 -> text.insert(at, (char) random.nextInt(256));
            case 2 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(8)));
            case 3 -> text.insert(at, text.substring(at, Math.min(text.length(), at + random.nextInt(60))));
            default -> text.insert(at, "\r\n");
        }
        if (text.isEmpty()) {
            text.append('\n');
        }
    }

    private String echo(String text) throws IOException {
        return client.call(
                        "POST",
                        relay.url() + "/v1/open",
                        Map.of(),
                        text.getBytes(java.nio.charset.StandardCharsets.UTF_8),
                        Duration.ofSeconds(20))
                .text();
    }
}
