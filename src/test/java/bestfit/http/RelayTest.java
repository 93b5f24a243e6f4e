package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RelayTest {
    private static final Duration SECONDS = Duration.ofSeconds(30);
    private static final String CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    private final HttpClient client = new HttpClient();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    /** Picks the ports one after the other and counts what became of them. */
    private static final class InTurn implements Relay.Picker {
        private final int[] ports;
        final AtomicInteger picked = new AtomicInteger();
        final List<String> done = new CopyOnWriteArrayList<>();

        InTurn(int... ports) {
            this.ports = ports;
        }

        @Override
        public Relay.@Nullable Upstream pick(int attempt) {
            if (attempt >= ports.length) {
                return null;
            }
            picked.incrementAndGet();
            return new Relay.Upstream("127.0.0.1", ports[attempt]);
        }

        @Override
        public void done(Relay.Upstream upstream, boolean failed) {
            done.add(upstream.port() + (failed ? " failed" : " ok"));
        }
    }

    private <T extends AutoCloseable> T keep(T closeable) {
        open.add(closeable);
        return closeable;
    }

    private ScriptedServer upstream(ScriptedServer.Script script) throws IOException {
        return keep(new ScriptedServer(script));
    }

    private HttpServer relay(Relay.Picker picker) throws IOException {
        Handler handler =
                Relay.to(picker, exchange -> exchange.text(503, "none"), exchange -> exchange.text(502, "all failed"));
        return keep(
                HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, new Router().on("*", "/v1/*", handler)));
    }

    private HttpClient.Answer post(HttpServer relay, String body) throws IOException {
        return client.call(
                "POST",
                relay.url() + "/v1/x%20y?q=1",
                Map.of("X-Keep", "kept", "TE", "trailers", "Connection", "X-Drop", "X-Drop", "dropped"),
                body.getBytes(StandardCharsets.UTF_8),
                SECONDS);
    }

    private RawClient raw(HttpServer relay) throws IOException {
        return keep(new RawClient(relay.port()));
    }

    private static int closedPort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    @Test
    void relaysRequestsAndAnswersOfEveryFraming() throws Exception {
        List<String> requests = new CopyOnWriteArrayList<>();
        String[] answers = {
            "HTTP/1.1 201 Created\r\nContent-Length: 4\r\nKeep-Alive: 5\r\nX-A: b\r\n\r\nbody",
            "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n1\r\nb\r\n3;e=f\r\nody\r\n0\r\n\r\n",
            "HTTP/1.0 201 Created\r\nX-A: b\r\n\r\nbody",
        };
        ScriptedServer upstream = upstream((number, peer) -> {
            requests.add(peer.request());
            peer.send(answers[number]);
        });
        InTurn picker = new InTurn(upstream.port());
        HttpServer relay = relay(picker);
        for (int i = 0; i < answers.length; i++) {
            HttpClient.Answer answer = post(relay, "ask " + i);
            assertThat(answer.status()).isEqualTo(201);
            assertThat(answer.text()).isEqualTo("body");
            assertThat(answer.headers()).containsEntry("x-a", List.of("b")).doesNotContainKey("keep-alive");
            assertThat(requests.get(i))
                    .startsWith("POST /v1/x%20y?q=1 HTTP/1.1\r\n")
                    .endsWith("\r\n\r\nask " + i)
                    .containsIgnoringCase("host: 127.0.0.1:" + upstream.port())
                    .contains("X-Keep: kept")
                    .doesNotContain("trailers")
                    .doesNotContain(":" + relay.port());
        }
        assertThat(picker.done).hasSize(3).containsOnly(upstream.port() + " ok");
    }

    @Test
    void anAnswerThatEndsWithoutABodyIsNone_andTheNextUpstreamGivesIt() throws Exception {
        String[] empty = {
            CHUNKED + "0\r\n\r\n", CHUNKED, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", CHUNKED + "4\r\n"
        };
        ScriptedServer silent = upstream((number, peer) -> {
            peer.request();
            peer.send(empty[number % empty.length]);
        });
        ScriptedServer whole = upstream((number, peer) -> {
            peer.request();
            for (String piece : List.of(CHUNKED, "4", "\r\n", "body\r\n0\r\n", "\r\n")) {
                peer.send(piece);
                peer.socket().getOutputStream().flush();
            }
            peer.request();
        });
        HttpServer failingOver = relay(new InTurn(silent.port(), whole.port()));
        HttpServer alone = relay(new InTurn(silent.port()));
        for (int i = 0; i < empty.length; i++) {
            HttpClient.Answer answer = post(failingOver, "x");
            assertThat(answer.status() + " " + answer.text()).isEqualTo("200 body");
        }
        for (int i = 0; i < empty.length; i++) {
            assertThat(post(alone, "x").status()).isEqualTo(502);
        }
    }

    @Test
    void aConnectionIsKeptAcrossRelayedRequestsAndHttp10ClientsGetNoChunks() throws Exception {
        ScriptedServer upstream = upstream((number, peer) -> {
            peer.request();
            peer.send(CHUNKED + "2\r\nn" + number + "\r\n0\r\n\r\n");
        });
        HttpServer relay = relay(new InTurn(upstream.port()));
        String get = "GET /v1/m HTTP/1.1\r\nHost: x\r\n\r\n";
        assertThat(raw(relay).send(get + get).readUntil("n1\r\n0\r\n\r\n"))
                .containsSubsequence("n0", "0\r\n\r\n", "n1");
        assertThat(raw(relay).send("GET /v1/m HTTP/1.0\r\n\r\n").readAll())
                .endsWith("\r\n\r\nn2")
                .doesNotContainIgnoringCase("chunked");
    }

    @Test
    void anUpstreamThatFailsBeforeItsFirstByteIsReplaced() throws Exception {
        ScriptedServer breaks = upstream((number, peer) -> {
            peer.request();
            peer.reset();
        });
        ScriptedServer answers = upstream((number, peer) -> peer.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + peer.request().substring(0, 3)));
        int closed = closedPort();
        InTurn picker = new InTurn(closed, breaks.port(), answers.port());
        assertThat(post(relay(picker), "x").text()).isEqualTo("POS");
        assertThat(picker.done).containsExactly(closed + " failed", breaks.port() + " failed", answers.port() + " ok");
    }

    @Test
    void sayWhenThereIsNoneAndWhenAllFailed() throws Exception {
        assertThat(post(relay(new InTurn()), "x").text()).isEqualTo("none");
        InTurn picker = new InTurn(closedPort(), closedPort());
        HttpClient.Answer answer = post(relay(picker), "x");
        assertThat(answer.status()).isEqualTo(502);
        assertThat(answer.text()).isEqualTo("all failed");
        assertThat(picker.done).hasSize(2).allMatch(done -> done.endsWith("failed"));
    }

    @Test
    void anAnswerThatBreaksIsNeverEndedCleanly() throws Exception {
        String[] halves = {
            CHUNKED + "4\r\nhalf\r\n",
            CHUNKED + "9\r\nhalf",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            CHUNKED + "4\r\nhalf\r\nzz\r\n"
        };
        ScriptedServer upstream = upstream((number, peer) -> {
            peer.request();
            peer.send(halves[number]);
        });
        InTurn picker = new InTurn(upstream.port(), closedPort());
        HttpServer relay = relay(picker);
        for (int i = 0; i < halves.length; i++) {
            assertThatThrownBy(() -> post(relay, "x")).isInstanceOf(IOException.class);
        }
        assertThat(picker.done).hasSize(4).containsOnly(upstream.port() + " failed");
        assertThat(upstream.accepted()).isEqualTo(4);
    }

    @Test
    void aClientThatLeavesTakesItsUpstreamConnectionWithIt() throws Exception {
        CountDownLatch waiting = new CountDownLatch(2);
        CountDownLatch cut = new CountDownLatch(2);
        ScriptedServer upstream = upstream((number, peer) -> {
            peer.request();
            if (number == 1) {
                peer.send(CHUNKED + "5\r\nfirst\r\n");
            }
            waiting.countDown();
            if (peer.request().isEmpty()) {
                cut.countDown();
            }
        });
        InTurn picker = new InTurn(upstream.port());
        HttpServer relay = relay(picker);
        RawClient beforeFirstByte = raw(relay).send("GET /v1/m HTTP/1.1\r\nHost: x\r\n\r\n");
        await().until(() -> waiting.getCount() == 1);
        RawClient inTheMiddle = raw(relay).send("GET /v1/m HTTP/1.1\r\nHost: x\r\n\r\n");
        inTheMiddle.readUntil("first\r\n");
        beforeFirstByte.close();
        inTheMiddle.close();
        assertThat(cut.await(30, TimeUnit.SECONDS)).isTrue();
        await().until(() -> picker.done.size() == 2);
        assertThat(picker.done).containsOnly(upstream.port() + " ok");
    }

    @Test
    void aSlowClientSlowsTheUpstreamAndGetsEverything() throws Exception {
        long size = 40_000_000;
        AtomicLong sent = new AtomicLong();
        ScriptedServer upstream = upstream((number, peer) -> {
            peer.request();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n");
            byte[] piece = new byte[50_000];
            while (sent.get() < size) {
                peer.socket().getOutputStream().write(piece);
                sent.addAndGet(piece.length);
            }
        });
        InTurn picker = new InTurn(upstream.port());
        RawClient slow = raw(relay(picker)).send("GET /v1/m HTTP/1.1\r\nHost: x\r\n\r\n");
        slow.readUntil("\r\n\r\n");
        AtomicLong before = new AtomicLong(-1);
        await().pollInterval(Duration.ofMillis(150)).until(() -> before.getAndSet(sent.get()) == sent.get());
        assertThat(sent.get()).isLessThan(size * 3 / 4);
        assertThat(slow.in().readNBytes((int) size)).hasSize((int) size);
        await().untilAsserted(() -> assertThat(picker.done).containsExactly(upstream.port() + " ok"));
    }

    @Test
    void manyStreamsAtOnceArriveWhole() throws Exception {
        int streams = 200;
        Router engine = new Router().post("/v1/echo", exchange -> {
            Exchange.BodyStream body = exchange.stream(200, Map.of());
            for (byte b : exchange.body()) {
                body.write(new byte[] {b});
            }
            body.end();
        });
        HttpServer upstream = keep(HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, engine));
        InTurn picker = new InTurn(upstream.port());
        HttpServer relay = relay(picker);
        AtomicInteger whole = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < streams; i++) {
                String text = "stream %04d with a text of its own".formatted(i);
                threads.execute(() -> {
                    if (echoed(relay, text).equals(text)) {
                        whole.incrementAndGet();
                    }
                });
            }
        }
        assertThat(whole).hasValue(streams);
        assertThat(picker.done).hasSize(streams).containsOnly(upstream.port() + " ok");
        assertThat(picker.picked).hasValue(streams);
    }

    private String echoed(HttpServer relay, String text) {
        try {
            return client.call(
                            "POST", relay.url() + "/v1/echo", Map.of(), text.getBytes(StandardCharsets.UTF_8), SECONDS)
                    .text();
        } catch (IOException e) {
            return e.toString();
        }
    }
}
