package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong on a server, done to real engine processes; {@code bench/soak/node-chaos} does more of it for longer. */
@Tag("slow")
@Tag("together")
class ChaosTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path home;

    private NodeUnderTest node;

    @BeforeEach
    void start() throws IOException {
        node = NodeUnderTest.start(home);
    }

    @AfterEach
    void close() {
        node.close();
    }

    private int inFlight() throws IOException {
        return node.instances()
                .valueStream()
                .mapToInt(each -> each.path("in_flight").asInt())
                .sum();
    }

    /** The text of a whole stream, or {@code cut}. */
    private String stream(int events) {
        try {
            var answer = node.answer(node.inference + "/v1/stream?n=" + events);
            return answer.status() + (answer.text().endsWith("[DONE]\n\n") ? " whole" : " broken");
        } catch (IOException cut) {
            return "cut";
        }
    }

    /** A stream whose first event has come: before that a dead engine's request is tried elsewhere, as it should be. */
    private Socket begun() throws IOException {
        var socket = new Socket(
                InetAddress.getLoopbackAddress(), URI.create(node.inference).getPort());
        socket.setSoTimeout((int) PATIENCE.toMillis());
        socket.getOutputStream()
                .write("GET /v1/held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                        .getBytes(StandardCharsets.US_ASCII));
        var head = new StringBuilder();
        while (head.indexOf("data: first\n\n") < 0) {
            int next = socket.getInputStream().read();
            assertThat(next).as("the stream should have begun: " + head).isNotNegative();
            head.append((char) next);
        }
        assertThat(head.toString()).startsWith("HTTP/1.1 200 ");
        return socket;
    }

    /** How a begun stream ends: {@code whole} with its last event and chunk, else {@code cut}. */
    private static String end(Socket begun) {
        try (begun) {
            var rest = new String(begun.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            return rest.contains("[DONE]") && rest.endsWith("0\r\n\r\n") ? "whole" : "cut";
        } catch (IOException reset) {
            return "cut";
        }
    }

    @Test
    void engineKilledUnderAHundredStreams_takesOnlyItsOwnWithIt() throws Exception {
        assertThat(node.up().status()).isEqualTo(200);
        var streams = new ArrayList<Socket>();
        for (int i = 0; i < 100; i++) {
            streams.add(begun());
        }
        var victim = node.instance(0);
        var survivor = node.instance(1);
        assertThat(victim.path("in_flight").asInt()).isEqualTo(50);
        assertThat(survivor.path("in_flight").asInt()).isEqualTo(50);
        Signal.KILL.toProcess(victim.path("pid").asLong());
        for (int i = 0; i < 20; i++) {
            assertThat(stream(1)).as("a new request goes elsewhere").isEqualTo("200 whole");
        }
        node.tell(survivor, "release");
        var ends = streams.stream().map(ChaosTest::end).toList();
        assertThat(ends.stream().filter("cut"::equals)).hasSize(50);
        assertThat(ends.stream().filter("whole"::equals)).hasSize(50);
        await().atMost(PATIENCE).untilAsserted(() -> {
            var now = node.instance(0);
            assertThat(now.path("state").stringValue()).isEqualTo("serving");
            assertThat(now.path("restarts").asInt()).isEqualTo(1);
            assertThat(now.path("in_flight").asInt()).isZero();
            assertThat(now.path("failure").path("class").stringValue()).isEqualTo("died-under-load");
        });
    }

    @Test
    void engineKilledWhileItStarts_isStartedAgain_andGivenUpWithItsClass() throws Exception {
        node.upAsync("-tp=2", "--fake", "deaf");
        long last = 0;
        for (int start = 0; start < 4; start++) {
            long before = last;
            await().atMost(PATIENCE).until(() -> {
                var now = node.instances();
                return now.size() == 1
                        && now.get(0).path("pid").asLong() > 0
                        && now.get(0).path("pid").asLong() != before;
            });
            last = node.instance(0).path("pid").asLong();
            assertThat(node.instance(0).path("restarts").asInt()).isEqualTo(start);
            Signal.KILL.toProcess(last);
        }
        await().atMost(PATIENCE).untilAsserted(() -> {
            var status = node.upStatus();
            assertThat(status.path("status").stringValue()).isEqualTo("failed");
            assertThat(status.path("error").stringValue())
                    .startsWith("crash-at-start: ")
                    .contains("signal 9");
        });
    }

    @Test
    void clientsThatLeaveInTheMiddle_leaveNothingBehind() throws Exception {
        assertThat(node.up().status()).isEqualTo(200);
        assertThat(stream(2)).isEqualTo("200 whole");
        long socketsBefore = openFiles();
        var left = new AtomicInteger(1_000);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 20; i++) {
                threads.execute(() -> {
                    while (left.getAndDecrement() > 0) {
                        leaveInTheMiddle();
                    }
                });
            }
        }
        await().atMost(PATIENCE).until(() -> inFlight() == 0);
        for (var instance : node.instances()) {
            await().atMost(PATIENCE)
                    .until(() -> node.answer(NodeUnderTest.engine(instance) + "/fake/active")
                            .text()
                            .equals("0"));
        }
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(openFiles()).isLessThan(socketsBefore + 40));
    }

    private void leaveInTheMiddle() {
        try (var socket = new Socket(
                InetAddress.getLoopbackAddress(), URI.create(node.inference).getPort())) {
            socket.getOutputStream()
                    .write("GET /v1/stream?n=500 HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(socket.getInputStream().read()).isEqualTo('H');
        } catch (IOException e) {
            throw new AssertionError("the stream should have begun", e);
        }
    }

    private static long openFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    @Test
    void redeploysUnderLoad_giveNothingBut200And503() throws Exception {
        Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
        var over = new AtomicBoolean();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                threads.execute(() -> {
                    while (!over.get()) {
                        seen.computeIfAbsent(stream(5), _ -> new AtomicInteger())
                                .incrementAndGet();
                    }
                });
            }
            try {
                for (int i = 0; i < 4; i++) {
                    var args = i % 2 == 0 ? new String[0] : new String[] {"-tp", "2"};
                    assertThat(node.up(args).status()).isEqualTo(200);
                    assertThat(node.instances()).hasSize(i % 2 == 0 ? 2 : 1);
                    for (int k = 0; k < 8; k++) {
                        assertThat(stream(1)).isEqualTo("200 whole");
                    }
                }
            } finally {
                over.set(true);
            }
        }
        assertThat(new TreeMap<>(seen).keySet()).as(seen.toString()).isSubsetOf("200 whole", "503 broken", "cut");
        assertThat(inFlight()).isZero();
    }

    @Test
    void fullDisk_costsTheLogFileOnly() throws Exception {
        var logs = Files.createDirectories(NodeServer.logs(home));
        for (int i = 0; i < 2; i++) {
            Files.createSymbolicLink(
                    logs.resolve("node-" + ProcessHandle.current().pid() + "-engine-" + i + ".log"),
                    Path.of("/dev/full"));
        }
        assertThat(node.up().status()).isEqualTo(200);
        assertThat(stream(3)).isEqualTo("200 whole");
        assertThat(node.answer(node.management + "/api/v1/inference/logs?instance=0&lines=1")
                        .text())
                .contains("Application startup complete.");
    }

    @Test
    void sickEngine_leavesWithinFourSeconds_comesBackWithinFour_andIsNotStartedAgain() throws Exception {
        assertThat(node.up().status()).isEqualTo(200);
        var sick = node.instance(0);
        node.tell(sick, "sick");
        await().atMost(Duration.ofSeconds(4))
                .until(() -> !node.instance(0).path("state").stringValue().equals("serving"));
        assertThat(devicesSeen()).containsExactly("1");
        node.tell(sick, "well");
        await().atMost(Duration.ofSeconds(4))
                .until(() -> node.instance(0).path("state").stringValue().equals("serving"));
        await().atMost(PATIENCE).until(() -> devicesSeen().equals(Set.of("0", "1")));
        assertThat(node.instance(0).path("pid").asLong())
                .isEqualTo(sick.path("pid").asLong());
    }

    private Set<String> devicesSeen() throws IOException {
        var seen = new TreeSet<String>();
        for (int i = 0; i < 6; i++) {
            seen.add(node.get(node.inference + "/v1/self").path("devices").stringValue());
        }
        return seen;
    }
}
