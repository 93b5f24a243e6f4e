package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Engines that live but do not work, as processes: the node tells them from busy ones and from sick ones. */
@Tag("slow")
@Tag("together")
class LivenessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration GRACE = Duration.ofSeconds(3);

    @TempDir
    Path home;

    private NodeUnderTest node(Consumer<NodeUnderTest.Setup> change) throws IOException {
        return NodeUnderTest.start(home, change.andThen(setup -> {
            setup.devices = 1;
            setup.hangGrace = GRACE;
        }));
    }

    private static void awaitHung(NodeUnderTest node) {
        // Not its state: on a slow machine it is given up in the look that finds it hung.
        await().atMost(PATIENCE)
                .until(() -> node.instance(0)
                        .path("failure")
                        .path("class")
                        .asString("")
                        .equals("hung"));
    }

    private static boolean servesAgain(NodeUnderTest node, long pidBefore) throws IOException {
        var now = node.instance(0);
        return now.path("state").stringValue().equals("serving")
                && now.path("pid").asLong() != pidBefore
                && now.path("restarts").asInt() == 1;
    }

    @Test
    void engineThatMakesNoToken_isHung_thoughItsHealthIsGood_andIsStartedAgain() throws IOException {
        try (var node = node(setup -> setup.engine = new EngineProgram.Embedded(Optional.of("hang:40"), List.of()))) {
            assertThat(node.up(NodeUnderTest.request("tiny").put("dtype", "auto"))
                            .status())
                    .isEqualTo(200);
            long pid = node.instance(0).path("pid").asLong();
            var stuck = CompletableFuture.supplyAsync(() -> {
                try {
                    return node.post(
                                    node.management + "/v1/completions",
                                    "{\"model\":\"tiny\",\"prompt\":\"Hello\",\"max_tokens\":200,\"ignore_eos\":true}")
                            .status();
                } catch (IOException cut) {
                    return -1;
                }
            });
            await().atMost(PATIENCE)
                    .until(() -> node.instance(0).path("in_flight").asInt() == 1);
            assertThat(node.answer(NodeUnderTest.engine(node.instance(0)) + "/health")
                            .status())
                    .isEqualTo(200);
            awaitHung(node);
            assertThat(node.instance(0).path("failure").path("line").stringValue())
                    .contains("no token came for");
            await().atMost(PATIENCE).until(() -> servesAgain(node, pid));
            assertThat(stuck.join()).as("what was cut is no answer").isNotEqualTo(200);
        }
    }

    @Test
    void stoppedProcess_isHung() throws IOException, InterruptedException {
        try (var node = node(_ -> {})) {
            assertThat(node.up().status()).isEqualTo(200);
            long pid = node.instance(0).path("pid").asLong();
            new ProcessBuilder("kill", "-STOP", Long.toString(pid)).start().waitFor();
            awaitHung(node);
            await().atMost(PATIENCE).until(() -> servesAgain(node, pid));
        }
    }
}
