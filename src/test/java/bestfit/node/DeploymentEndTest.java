package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of streams and processes when a deployment is ended or replaced. */
@Tag("slow")
@Tag("together")
class DeploymentEndTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path home;

    private static EngineProgram program(List<String> words) {
        return new EngineProgram.Command(new CommandTemplate(words));
    }

    /** The whole answer of a stream that was begun, or {@code cut}. */
    private static CompletableFuture<String> begunStream(NodeUnderTest node, String path) {
        return begunStream(node, node.inference + path, 1);
    }

    /** @param inFlight how many streams there are then */
    private static CompletableFuture<String> begunStream(NodeUnderTest node, String url, int inFlight) {
        var text = CompletableFuture.supplyAsync(() -> {
            try {
                return node.answer(url).text();
            } catch (IOException cut) {
                return "cut";
            }
        });
        await().atMost(PATIENCE).until(() -> node.instance(0).path("in_flight").asInt() == inFlight);
        return text;
    }

    @Test
    void down_cutsStreamsAtOnce_andEndsStubbornEnginesWithAllTheyStarted() throws Exception {
        // What is ignored stays ignored in the program that replaces the shell.
        var stubborn = new ArrayList<>(List.of("sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh"));
        stubborn.addAll(NodeUnderTest.fakeEngine());
        try (var node = NodeUnderTest.start(home, setup -> setup.engine = program(stubborn))) {
            assertThat(node.up("-tp=2", "--fake", "heir").status()).isEqualTo(200);
            long session = node.instance(0).path("pid").asLong();
            assertThat(ProcessTable.session(session)).hasSizeGreaterThan(1);
            var stream = begunStream(node, "/v1/slow");
            var onManagementPort = begunStream(node, node.management + "/v1/slow", 2);
            var down = CompletableFuture.supplyAsync(() -> {
                try {
                    return node.down().status();
                } catch (IOException e) {
                    return -1;
                }
            });
            assertThat(stream.join()).isEqualTo("cut");
            assertThat(onManagementPort.join()).isEqualTo("cut");
            assertThat(ProcessTable.session(session))
                    .as("it ignores what it is told")
                    .isNotEmpty();
            assertThat(down.join()).isEqualTo(200);
            assertThat(ProcessTable.session(session)).isEmpty();
        }
    }

    @Test
    void replace_letsEndWhatEndsInTime() throws Exception {
        try (var node = NodeUnderTest.start(home, setup -> setup.drain = Duration.ofMinutes(1))) {
            assertThat(node.up("-tp=2").status()).isEqualTo(200);
            var stream = begunStream(node, "/v1/stream?n=50");
            assertThat(node.up("-tp=2").status()).isEqualTo(200);
            assertThat(stream.join()).endsWith("data: 49\n\ndata: [DONE]\n\n");
        }
    }

    @Test
    void replace_cutsTheRest() throws Exception {
        try (var node = NodeUnderTest.start(home)) {
            assertThat(node.up("-tp=2").status()).isEqualTo(200);
            var stream = begunStream(node, "/v1/slow");
            assertThat(node.up("-tp=2").status()).isEqualTo(200);
            assertThat(stream.join()).isEqualTo("cut");
        }
    }

    @Test
    void aPortThatIsStillHeldWhenTheNextIsAskedFor_isWaitedFor_butNotLong() throws Exception {
        try (var node = NodeUnderTest.start(home);
                var holder = new ServerSocket(URI.create(node.inference).getPort() + 1)) {
            assertThat(node.up("-tp=2").text()).contains("port-in-use", "is taken by another program");
            var freed = CompletableFuture.runAsync(
                    () -> assertThatCode(holder::close).doesNotThrowAnyException(),
                    CompletableFuture.delayedExecutor(300, TimeUnit.MILLISECONDS));
            assertThat(node.up("-tp=2").text()).isEqualTo("{\"status\":\"OK\"}");
            freed.join();
        }
    }

    @Test
    void engineInAContainer_isGivenItsDevicesAndArgs_andEndedByTermAlone() throws Exception {
        var folder = Files.createDirectories(home.resolve("bin"));
        var seen = folder.resolve("seen");
        // As docker run: the program that is started is a client; it passes signals on to what runs elsewhere.
        var docker = Files.writeString(folder.resolve("docker"), """
                #!/bin/sh
                echo "$*" > %s
                port=${6#127.0.0.1:}
                port=${port%%:*}
                shift 7
                trap 'echo INT >> %s' INT
                trap 'echo TERM >> %s; kill "$engine"' TERM
                setsid env -u CUDA_VISIBLE_DEVICES %s --port "$port" "$@" &
                engine=$!
                wait
                wait
                """.formatted(
                        seen, seen, seen, String.join(" ", NodeUnderTest.fakeEngine())));
        assertThat(docker.toFile().setExecutable(true)).isTrue();
        var command = "'" + docker + "' run --rm --gpus '\"device={devices}\"' -p 127.0.0.1:{port}:8000 image"
                + " --model {model} --dtype {dtype} {args}";
        var words = CommandTemplate.parse(command).words();
        try (var node = NodeUnderTest.start(home, setup -> setup.engine = program(words))) {
            assertThat(node.up("-tp", "2", "--some-flag", "x").text()).isEqualTo("{\"status\":\"OK\"}");
            assertThat(Files.readString(seen))
                    .startsWith("run --rm --gpus \"device=0,1\" -p 127.0.0.1:")
                    .endsWith(":8000 image --model some/model --dtype float16 -tp 2 --some-flag x\n");
            long session = node.instance(0).path("pid").asLong();
            var self = node.get(node.inference + "/v1/self");
            assertThat(self.path("devices").isNull()).isTrue();
            assertThat(self.path("args").toString()).endsWith("\"-tp\",\"2\",\"--some-flag\",\"x\"]");
            assertThat(node.down().status()).isEqualTo(200);
            assertThat(ProcessTable.session(session)).isEmpty();
            assertThat(ProcessTable.find(self.path("pid").asLong())).isEmpty();
            assertThat(Files.readAllLines(seen)).hasSize(2).endsWith("TERM");
        }
    }
}
