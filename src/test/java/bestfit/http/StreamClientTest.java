package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StreamClientTest {
    private static final String CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    private final StreamClient client = StreamClient.open(1, 2_000_000_000L);

    @AfterEach
    void close() {
        client.close();
    }

    /** Writes down what a call's listener was told. */
    private static class Recorder implements StreamClient.Listener {
        final CountDownLatch over = new CountDownLatch(1);
        final List<String> events = new CopyOnWriteArrayList<>();
        final List<Long> times = new CopyOnWriteArrayList<>();
        private final StringBuilder body = new StringBuilder();
        private volatile @Nullable Throwable failure;

        private void add(String event, long nanos) {
            events.add(event);
            times.add(nanos);
        }

        @Override
        public void onSent(long nanos) {
            add("sent", nanos);
        }

        @Override
        public void onHead(int status, long nanos) {
            add("head " + status, nanos);
        }

        @Override
        public void onBody(byte[] in, int from, int to, long nanos) {
            String text = new String(in, from, to - from, StandardCharsets.UTF_8);
            body.append(text);
            add("body " + text, nanos);
        }

        @Override
        public void onEnd(long nanos) {
            add("end", nanos);
            over.countDown();
        }

        @Override
        public void onFailure(Throwable cause, long nanos) {
            failure = cause;
            add("failure", nanos);
            over.countDown();
        }

        Recorder await() throws InterruptedException {
            assertThat(over.await(30, TimeUnit.SECONDS))
                    .as("over after %s", events)
                    .isTrue();
            return this;
        }
    }

    private Recorder post(int port) {
        Recorder recorder = new Recorder();
        client.post(URI.create("http://127.0.0.1:" + port + "/x?y=1"), Map.of("A", "b"), bytes("ask"), recorder);
        return recorder;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A client that is busy makes nothing look late: the kernel has stamped what came meanwhile. */
    @Test
    void aPiece_hasTheTimeOfItsArrival_notOfItsRead() throws Exception {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch arrived = new CountDownLatch(1);
        Recorder recorder = new Recorder() {
            @Override
            public void onBody(byte[] in, int from, int to, long nanos) {
                super.onBody(in, from, to, nanos);
                if (busy.getCount() > 0) {
                    busy.countDown();
                    try {
                        arrived.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
            }
        };
        try (ServerSocket server = new ServerSocket(0)) {
            client.post(URI.create("http://127.0.0.1:" + server.getLocalPort() + "/"), Map.of(), new byte[0], recorder);
            try (var accepted = server.accept()) {
                var out = accepted.getOutputStream();
                out.write((CHUNKED + "1\r\na\r\n").getBytes(StandardCharsets.US_ASCII));
                assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
                long before = System.nanoTime();
                out.write("1\r\nb\r\n".getBytes(StandardCharsets.US_ASCII));
                long written = System.nanoTime();
                TimeUnit.MILLISECONDS.sleep(100); // how late it is read, not what is waited for
                arrived.countDown();
                await().until(() -> recorder.events.contains("body b"));
                out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                recorder.await();
                long stamp = recorder.times.get(recorder.events.indexOf("body b"));
                assertThat(stamp).isBetween(before - 1_000_000, written + 20_000_000);
            }
        }
    }

    @Test
    void handsOverEachPieceWithTheTimeOfItsArrival() throws Exception {
        CountDownLatch headSeen = new CountDownLatch(1);
        CountDownLatch firstSeen = new CountDownLatch(1);
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            String request = peer.request();
            peer.send(CHUNKED);
            headSeen.await();
            peer.send("5\r\nfirst\r\n");
            firstSeen.await();
            peer.send("6;x=y\r\nsecond\r\n2\r\n" + request.substring(request.length() - 2) + "\r\n0\r\nT: z\r\n\r\n");
            peer.request();
        })) {
            Recorder recorder = post(server.port());
            await().until(() -> recorder.events.contains("head 200"));
            long beforeFirst = System.nanoTime();
            headSeen.countDown();
            await().until(() -> recorder.events.contains("body first"));
            long afterFirst = System.nanoTime();
            firstSeen.countDown();
            recorder.await();
            assertThat(recorder.events)
                    .containsExactly("sent", "head 200", "body first", "body second", "body sk", "end");
            assertThat(recorder.times).isSorted();
            assertThat(recorder.times.get(2)).isBetween(beforeFirst, afterFirst);
            assertThat(recorder.times.get(3)).isEqualTo(recorder.times.get(5));
        }
    }

    @Test
    void understandsAnAnswerInWhateverPiecesItComes() throws Exception {
        String answer = CHUNKED + "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            for (int cut = 1; cut < answer.length(); cut++) {
                peer.request();
                peer.send(answer.substring(0, cut));
                peer.send(answer.substring(cut));
            }
        })) {
            for (int cut = 1; cut < answer.length(); cut++) {
                Recorder recorder = post(server.port()).await();
                assertThat(recorder.body.toString()).isEqualTo("abc0123456789");
                assertThat(recorder.failure).isNull();
            }
            assertThat(server.accepted()).isEqualTo(1);
        }
    }

    @Test
    void anAnswerMayEndWithTheConnectionOrHaveALength() throws Exception {
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            peer.request();
            String head = number == 0 ? "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" : "HTTP/1.1 404 No\r\n";
            peer.send(head + (number == 0 ? "" : "Content-Length: 3\r\n") + "\r\nall");
            peer.socket().shutdownOutput();
        })) {
            assertThat(post(server.port()).await().events).containsExactly("sent", "head 200", "body all", "end");
            assertThat(post(server.port()).await().events).containsExactly("sent", "head 404", "body all", "end");
            assertThat(server.accepted()).isEqualTo(2);
        }
    }

    @Test
    void aFailureIsToldOnceWithItsCause() throws Exception {
        int nobody;
        try (ServerSocket free = new ServerSocket(0)) {
            nobody = free.getLocalPort();
        }
        Recorder refused = post(nobody).await();
        assertThat(refused.events).containsExactly("failure");
        assertThat(refused.failure).isInstanceOf(java.net.ConnectException.class);

        assertFails(peer -> {
            peer.send(CHUNKED + "5\r\nfirst\r\n");
            peer.request();
        });
        assertFails(peer -> {
            peer.send(CHUNKED + "5\r\nfir");
            peer.socket().shutdownOutput();
        });
        assertFails(peer -> peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst"));
        assertFails(peer -> peer.send(CHUNKED + "xyz\r\n"));
        assertFails(peer -> peer.send("nonsense\r\n\r\n"));
        assertFails(peer -> peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"));
        assertFails(peer -> {});
    }

    private interface Misbehaviour {
        void run(ScriptedServer.Peer peer) throws IOException;
    }

    private void assertFails(Misbehaviour misbehaviour) throws Exception {
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            peer.request();
            peer.socket().setSoTimeout(100);
            try {
                misbehaviour.run(peer);
            } finally {
                peer.reset();
            }
        })) {
            Recorder recorder = post(server.port()).await();
            assertThat(recorder.failure).isNotNull();
            assertThat(recorder.events).endsWith("failure").doesNotContain("end");
            assertThat(server.accepted()).isEqualTo(1);
        }
    }

    @Test
    void aKeptConnectionThatDiedIsReplacedOnce() throws Exception {
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            peer.request();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + number);
            peer.request(); // then the connection is closed without an answer
        })) {
            assertThat(post(server.port()).await().events).contains("body 0", "end");
            assertThat(post(server.port()).await().events).containsExactly("sent", "head 200", "body 1", "end");
            assertThat(server.accepted()).isEqualTo(2);
        }
    }

    @Test
    void cancelCutsTheConnection() throws Exception {
        CountDownLatch cut = new CountDownLatch(1);
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            peer.request();
            peer.send(CHUNKED + "5\r\nfirst\r\n");
            if (peer.request().isEmpty()) {
                cut.countDown();
            }
        })) {
            Recorder recorder = new Recorder();
            StreamClient.Call call =
                    client.post(URI.create("http://127.0.0.1:" + server.port() + "/"), Map.of(), bytes(""), recorder);
            await().until(() -> recorder.events.contains("body first"));
            call.cancel();
            call.cancel();
            assertThat(recorder.await().failure).isInstanceOf(CancellationException.class);
            assertThat(cut.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(recorder.events).containsOnlyOnce("failure");
        }
    }

    @Test
    void closingEndsTheCallsUnderWay() throws Exception {
        try (ScriptedServer server = new ScriptedServer((number, peer) -> {
            peer.request();
            peer.request();
        })) {
            Recorder recorder = post(server.port());
            await().until(() -> recorder.events.contains("sent"));
            client.close();
            assertThat(recorder.await().failure).isNotNull();
            assertThatThrownBy(() -> post(server.port())).isInstanceOf(IllegalStateException.class);
        }
    }
}
