package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HttpServerTest {
    private static final Duration SECONDS = Duration.ofSeconds(30);
    private static final HttpServer.Limits LIMITS = new HttpServer.Limits(
            1000, 2000, 8, TimeUnit.MILLISECONDS.toNanos(400), TimeUnit.MILLISECONDS.toNanos(1500));

    private final HttpClient client = new HttpClient();
    private final CountDownLatch clientLeft = new CountDownLatch(1);
    private final AtomicInteger chunksTaken = new AtomicInteger();
    private final AtomicReference<Boolean> streaming = new AtomicReference<>();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        Router router = new Router()
                .get(
                        "/hello",
                        exchange -> exchange.text(
                                200, "hello " + exchange.query("who").orElse("?")))
                .post("/echo", exchange -> exchange.respond(200, "application/octet-stream", exchange.body()))
                .get("/models/{name}", exchange -> exchange.text(200, "model " + exchange.pathValue("name")))
                .get("/models/list", exchange -> exchange.text(200, "list"))
                .on("*", "/below/*", exchange -> exchange.text(200, exchange.method() + " " + exchange.path()))
                .get("/fails", exchange -> {
                    throw new IllegalStateException("on purpose");
                })
                .get("/waits", exchange -> exchange.onClientGone(clientLeft::countDown))
                .get("/slow/{millis}", exchange -> {
                    long until = System.nanoTime() + Long.parseLong(exchange.pathValue("millis")) * 1_000_000;
                    await().until(() -> System.nanoTime() > until);
                    exchange.text(200, "slow");
                })
                .get("/count", exchange -> {
                    Exchange.BodyStream body = exchange.stream(200, Map.of("Content-Type", "text/plain"));
                    for (int i = 0; i < 3; i++) {
                        body.write(("n" + i).getBytes(StandardCharsets.UTF_8));
                    }
                    body.end();
                })
                .get("/endless", exchange -> {
                    exchange.onClientGone(clientLeft::countDown);
                    Exchange.BodyStream body = exchange.stream(200, Map.of());
                    while (body.write(new byte[10_000])) {
                        chunksTaken.incrementAndGet();
                    }
                    streaming.set(false);
                })
                .get("/cut", exchange -> {
                    Exchange.BodyStream body = exchange.stream(200, Map.of());
                    body.write("half".getBytes(StandardCharsets.UTF_8));
                    body.abort();
                });
        server = HttpServer.start("127.0.0.1", 0, LIMITS, router);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private HttpClient.Answer get(String path) throws IOException {
        return client.get(server.url() + path, SECONDS);
    }

    private RawClient raw() throws IOException {
        return new RawClient(server.port());
    }

    @Test
    void routesByPathAndMethod() throws IOException {
        assertThat(get("/hello?who=a%20b+c").text()).isEqualTo("hello a b c");
        assertThat(refused("GET /hello?who=50%&x=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200 ")
                .endsWith("hello 50%");
        assertThat(get("/models/list").text()).isEqualTo("list");
        assertThat(get("/models/a%2Fb%20c").text()).isEqualTo("model a/b c");
        assertThat(get("/below/x/y?z=1").text()).isEqualTo("GET /below/x/y");
        assertThat(get("/nothing").status()).isEqualTo(404);
        assertThat(get("/nothing").text()).isEqualTo("{\"detail\":\"Not Found\"}");
        assertThat(refused("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        HttpClient.Answer wrongMethod = get("/echo");
        assertThat(wrongMethod.status()).isEqualTo(405);
        assertThat(wrongMethod.text()).isEqualTo("{\"detail\":\"Method Not Allowed\"}");
        assertThat(wrongMethod.headers().get("allow")).containsExactly("POST");
    }

    @Test
    void refusesHeadAsFastApiDoes_withoutBody() throws IOException {
        try (RawClient raw = raw()) {
            String answer = raw.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    .readAll();
            assertThat(answer)
                    .contains("405 Method", "Allow: GET", "content-length: 31")
                    .endsWith("\r\n\r\n");
        }
    }

    @Test
    void aFailingHandlerIs500AndTheServerGoesOn() throws IOException {
        HttpClient.Answer answer = get("/fails");
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.text()).isEqualTo("Internal Server Error");
        assertThat(get("/hello").status()).isEqualTo(200);
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws IOException {
        try (RawClient raw = raw()) {
            String get = "GET %s HTTP/1.1\r\nHost: x\r\n\r\n";
            String echo = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
            String chunks = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
            String last = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            raw.send(get.formatted("/slow/150") + echo + chunks + get.formatted("/count") + last);
            String answers = raw.readAll();
            assertThat(answers).containsSubsequence("slow", "abcde", "n0", "n1", "n2", "0\r\n\r\n", "hello ?");
        }
    }

    @Test
    void refusesWhatIsTooLargeOrMalformed() throws IOException {
        String post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
        assertThat(refused(post + "Content-Length: 1001\r\n\r\n")).startsWith("HTTP/1.1 413 ");
        assertThat(refused(post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + "x".repeat(1001) + "\r\n"))
                .startsWith("HTTP/1.1 413 ");
        assertThat(refused(post + "X: " + "x".repeat(2001) + "\r\n\r\n")).startsWith("HTTP/1.1 431 ");
        assertThat(refused("GET /" + "x".repeat(2001) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
                .startsWith("HTTP/1.1 414 ");
        assertThat(refused("nonsense\r\n\r\n")).startsWith("HTTP/1.1 400 ");
        assertThat(refused("GET /hello HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 400 ");
        assertThat(refused(post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n")).startsWith("HTTP/1.1 400 ");
        assertThat(refused(post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(refused(post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(get("/hello").status()).isEqualTo(200);
    }

    private String refused(String request) throws IOException {
        try (RawClient raw = raw()) {
            return raw.send(request).readAll();
        }
    }

    @Test
    void asksForTheBodyWhenTheClientWaitsForThat() throws IOException {
        try (RawClient raw = raw()) {
            raw.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
            assertThat(raw.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 100 ");
            raw.send("ok");
            assertThat(raw.readUntil("ok")).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void closesAnIdleConnectionButNotOneThatWaitsForItsAnswer() throws IOException {
        try (RawClient raw = raw()) {
            raw.send("GET /slow/900 HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(raw.readUntil("slow")).startsWith("HTTP/1.1 200 ");
            long answered = System.nanoTime();
            assertThat(raw.readAll()).isEmpty();
            assertThat(System.nanoTime() - answered).isLessThan(3_000_000_000L);
        }
    }

    @Test
    void closesConnectionsBeyondTheLimit() throws IOException {
        RawClient[] open = new RawClient[LIMITS.maxConnections()];
        for (int i = 0; i < open.length; i++) {
            open[i] = raw();
            open[i].send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").readUntil("hello ?");
        }
        try (RawClient oneTooMany = raw()) {
            assertThat(oneTooMany.readAll()).isEmpty();
        }
        for (RawClient raw : open) {
            raw.close();
        }
        await().ignoreExceptions().until(() -> get("/hello").status() == 200);
    }

    @Test
    void noticesThatTheClientLeftWhileItWaits() throws Exception {
        try (RawClient raw = raw()) {
            raw.send("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(clientLeft.await(100, TimeUnit.MILLISECONDS)).isFalse();
        }
        assertThat(clientLeft.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aSlowClientHoldsTheWriterBackAndItsLeavingEndsTheStream() throws Exception {
        try (RawClient raw = raw()) {
            raw.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").readUntil("\r\n\r\n");
            int held = settled();
            assertThat(held * 10_000L).isLessThan(20_000_000L);
            raw.in().readNBytes(held * 10_000 / 2);
            await().until(() -> chunksTaken.get() > held);
            assertThat(streaming.get()).isNull();
        }
        await().untilAsserted(() -> assertThat(streaming.get()).isFalse());
        assertThat(clientLeft.await(30, TimeUnit.SECONDS)).isTrue();
    }

    /** The number of chunks taken once it stands still. */
    private int settled() {
        AtomicInteger before = new AtomicInteger(-1);
        await().pollInterval(Duration.ofMillis(100))
                .until(() -> chunksTaken.get() > 0 && before.getAndSet(chunksTaken.get()) == chunksTaken.get());
        return chunksTaken.get();
    }

    @Test
    void anAbortedAnswerLooksBroken() {
        assertThatThrownBy(() -> get("/cut")).isInstanceOf(IOException.class).hasMessageContaining("/cut");
        assertThatThrownBy(() -> {
                    try (RawClient raw = raw()) {
                        raw.send("GET /cut HTTP/1.0\r\n\r\n").readAll();
                    }
                })
                .isInstanceOf(IOException.class);
    }

    @Test
    void namesHostAndPortWhenTheyAreTaken() {
        assertThatThrownBy(() -> HttpServer.start("127.0.0.1", server.port(), LIMITS, new Router()))
                .isInstanceOf(BindException.class)
                .hasMessage("cannot listen on 127.0.0.1:" + server.port() + ": Address already in use");
    }

    @Test
    void aHeldPort_refuses_untilAServerListensOnIt() throws IOException {
        try (HeldPort held = HeldPort.take("127.0.0.1", 0)) {
            String url = "http://127.0.0.1:" + held.port() + "/hello";
            assertThatThrownBy(() -> client.get(url, Duration.ofSeconds(5))).isInstanceOf(ConnectException.class);
            try (HttpServer later = HttpServer.start("127.0.0.1", held.port(), LIMITS, new Router())) {
                held.close();
                assertThat(later.url() + "/hello").isEqualTo(url);
                assertThat(client.get(url, Duration.ofSeconds(5)).status()).isEqualTo(404);
            }
        }
        assertThatThrownBy(() -> HeldPort.take("127.0.0.1", server.port()))
                .isInstanceOf(BindException.class)
                .hasMessage("cannot listen on 127.0.0.1:" + server.port() + ": Address already in use");
    }

    @Test
    void theClientTimesOutAndNamesWhatItCalled() throws IOException {
        assertThatThrownBy(() -> client.get(server.url() + "/waits", Duration.ofMillis(100)))
                .isInstanceOf(HttpClient.TimedOut.class)
                .hasMessageContaining("/waits");
        server.close();
        assertThatThrownBy(() -> get("/hello"))
                .isInstanceOf(ConnectException.class)
                .hasMessageContaining("refused");
    }

    @Test
    void anInterruptedCallEnds() throws Exception {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread caller = Thread.ofPlatform().start(() -> {
            try {
                get("/waits");
            } catch (IOException e) {
                thrown.set(e);
            }
        });
        await().until(() -> caller.getState() == Thread.State.TIMED_WAITING);
        caller.interrupt();
        assertThat(caller.join(Duration.ofSeconds(5))).isTrue();
        assertThat(thrown.get()).isInstanceOf(InterruptedIOException.class).hasMessageContaining("/waits");
        assertThat(clientLeft.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void closingTheServerCutsAnswersUnderWay() throws Exception {
        try (RawClient raw = raw()) {
            raw.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").readUntil("\r\n\r\n");
            server.close();
            await().untilAsserted(() -> assertThat(streaming.get()).isFalse());
            assertThat(clientLeft.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }
}
