package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Answers that a client reads in one round are what they are when each is read alone. */
class ReadPiecesTest {
    /** More than are kept before they are handed on. */
    private static final int STREAMS = 40;

    private static final String CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static final int MORE_THAN_A_READ = 70_000;

    private final StreamClient client = StreamClient.open(1, 5_000_000_000L);

    @AfterEach
    void close() {
        client.close();
    }

    private static class Answer implements StreamClient.Listener {
        final CountDownLatch sent = new CountDownLatch(1);
        final CountDownLatch over = new CountDownLatch(1);
        final List<String> told = new ArrayList<>();
        private final StringBuilder body = new StringBuilder();

        @Override
        public void onSent(long nanos) {
            sent.countDown();
        }

        @Override
        public void onHead(int status, long nanos) {
            told.add("head " + status);
        }

        @Override
        public void onBody(byte[] in, int from, int to, long nanos) {
            body.append(new String(in, from, to - from, StandardCharsets.US_ASCII));
        }

        @Override
        public void onEnd(long nanos) {
            end("end");
        }

        @Override
        public void onFailure(Throwable cause, long nanos) {
            end(cause.toString());
        }

        private void end(String how) {
            told.add(body.toString());
            told.add(how);
            over.countDown();
        }

        List<String> await() throws InterruptedException {
            assertThat(over.await(30, TimeUnit.SECONDS)).isTrue();
            return told;
        }
    }

    /** Answers by the number in the request's path; those who ask together get it when all have asked. */
    private static ScriptedServer server(CountDownLatch go, CountDownLatch begun) throws Exception {
        return new ScriptedServer((_, peer) -> {
            for (var request = peer.request(); !request.isEmpty(); request = peer.request()) {
                int number = Integer.parseInt(request.substring("POST /".length(), request.indexOf(" HTTP")));
                go.await();
                var piece = "stream " + number + ".";
                switch (number % 4) {
                    case 0 -> peer.send(CHUNKED + chunk(piece) + chunk(piece) + "0\r\n\r\n");
                    case 1 -> peer.send(CHUNKED + chunk(piece));
                    case 2 -> peer.send("HTTP/1.1 200 OK\r\n\r\n" + piece);
                    default -> peer.send(CHUNKED);
                }
                begun.countDown();
                if (number % 4 == 3) {
                    peer.send(chunk(piece.repeat(MORE_THAN_A_READ / piece.length())) + "0\r\n\r\n");
                } else if (number % 4 > 0) {
                    return; // cut off, or its proper end
                }
            }
        });
    }

    private static String chunk(String data) {
        return Integer.toHexString(data.length()) + "\r\n" + data + "\r\n";
    }

    private StreamClient.Call post(int port, int number, Answer answer) {
        return client.post(URI.create("http://127.0.0.1:" + port + "/" + number), Map.of(), new byte[0], answer);
    }

    /** Posts all, and keeps the client's loop until something of each answer waits to be read. */
    private void exchange(List<? extends Answer> answers, List<StreamClient.Call> calls) throws Exception {
        var go = new CountDownLatch(1);
        var begun = new CountDownLatch(STREAMS);
        var kept = new CountDownLatch(1);
        try (var server = server(go, begun)) {
            for (int i = 0; i < STREAMS; i++) {
                calls.add(post(server.port(), i, answers.get(i)));
            }
            for (var answer : answers) {
                assertThat(answer.sent.await(30, TimeUnit.SECONDS)).isTrue();
            }
            client.execute(() -> {
                kept.countDown();
                try {
                    begun.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            kept.await();
            go.countDown();
            for (var answer : answers) {
                answer.await();
            }
        }
    }

    @Test
    void answersReadTogetherAreThoseReadAlone() throws Exception {
        var together = IntStream.range(0, STREAMS).mapToObj(_ -> new Answer()).toList();
        exchange(together, new ArrayList<>());
        try (var server = server(new CountDownLatch(0), new CountDownLatch(0))) {
            for (int i = 0; i < STREAMS; i++) {
                var alone = new Answer();
                post(server.port(), i, alone);
                assertThat(together.get(i).told).isEqualTo(alone.await());
            }
        }
        assertThat(together.get(0).told).containsExactly("head 200", "stream 0.stream 0.", "end");
        assertThat(together.get(1).told).contains("stream 1.").doesNotContain("end");
    }

    /** Cancelling from within an answer holds for those that were read and not yet handed on, too. */
    @Test
    void nothingIsToldOfAStreamThatAnotherOnesPieceCancelled() throws Exception {
        var calls = new ArrayList<StreamClient.Call>();
        var heads = new ArrayList<Integer>();
        var answers = IntStream.range(0, STREAMS)
                .mapToObj(i -> new Answer() {
                    @Override
                    public void onHead(int status, long nanos) {
                        heads.add(i);
                        for (int other = 0; other < calls.size(); other++) {
                            if (other != i) {
                                calls.get(other).cancel();
                            }
                        }
                    }
                })
                .toList();
        exchange(answers, calls);
        assertThat(heads).hasSize(1);
    }
}
