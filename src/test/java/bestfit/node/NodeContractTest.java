package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The management API and the balanced port, with real engine processes that compute nothing. */
@Tag("slow")
@Tag("together")
class NodeContractTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

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

    private void restart(Consumer<NodeUnderTest.Setup> change) throws IOException {
        node.close();
        node = NodeUnderTest.start(home, change);
    }

    @Test
    void idleNode_isStopped_andRefusesInference() throws IOException {
        assertThat(node.get(node.management + "/api/v1/state").toString())
                .isEqualTo("{\"version\":\"test\",\"state\":\"STOPPED\",\"poc_status\":null,"
                        + "\"inference_healthy\":null,\"loaded_model\":null}");
        assertThatThrownBy(() -> node.answer(node.inference + "/health")).isInstanceOf(IOException.class);
        var relayed = node.answer(node.management + "/v1/models");
        assertThat(relayed.status()).isEqualTo(503);
        assertThat(relayed.text()).isEqualTo("No vLLM backend available");
        assertThat(node.get(node.management + "/health")
                        .path("managers")
                        .path("inference")
                        .toString())
                .isEqualTo("{\"running\":false,\"healthy\":true}");
        assertThat(node.upStatus().toString())
                .isEqualTo("{\"status\":\"not_started\",\"is_starting\":false,\"is_running\":false,"
                        + "\"elapsed_seconds\":null,\"error\":null}");
        assertThat(node.answer(node.management + "/api/v1/train/status").status())
                .isEqualTo(404);
        assertThat(node.down().text()).isEqualTo("{\"status\":\"OK\"}");
    }

    @Test
    void up_startsAsManyInstancesAsDevicesHold_andBalances() throws IOException {
        assertThat(node.up("--some-flag", "x y", "-q").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(node.state()).isEqualTo("INFERENCE");
        assertThat(node.instances()).hasSize(2);
        var devices = new HashSet<String>();
        for (int i = 0; i < 4; i++) {
            var self = node.get(node.inference + "/v1/self");
            devices.add(self.path("devices").stringValue());
            assertThat(self.path("args").toString())
                    .contains("\"--model\",\"some/model\",\"--dtype\",\"float16\",\"--port\"")
                    .endsWith("\"--some-flag\",\"x y\",\"-q\"]");
            assertThat(self.path("secret").isNull()).isTrue();
        }
        assertThat(devices).containsExactlyInAnyOrder("0", "1");
        assertThat(node.get(node.management + "/v1/self").path("pid").isNumber())
                .isTrue();
        var current = node.get(node.management + "/api/v1/inference/current");
        assertThat(current.path("additional_args").toString()).isEqualTo("[\"--some-flag\",\"x y\",\"-q\"]");
        assertThat(node.get(node.management + "/api/v1/inference/logs?instance=1&lines=1")
                        .toString())
                .isEqualTo("{\"instance\":1,\"lines\":[\"INFO:     Application startup complete.\"]}");

        long pid = node.instance(0).path("pid").asLong();
        assertThat(node.post(node.management + "/api/v1/stop", "").status()).isEqualTo(200);
        assertThat(node.state()).isEqualTo("STOPPED");
        assertThat(ProcessTable.find(pid)).isEmpty();
        assertThatThrownBy(() -> node.answer(node.inference + "/health")).isInstanceOf(IOException.class);
    }

    @Test
    void tooManyDevices_isNamed() throws IOException {
        var answer = node.up("--tensor-parallel-size", "4");
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.text())
                .contains("vLLM process exited prematurely: device-count: an instance needs 4 devices")
                .contains("this node has 2");
        assertThat(node.state()).isEqualTo("STOPPED");
    }

    @Test
    void exitAtStart_givesTheEnginesOwnError() throws IOException {
        var answer = node.up("--fake", "exit").json().orElseThrow();
        assertThat(answer.path("detail").stringValue())
                .isEqualTo("vLLM process exited prematurely: out-of-memory: "
                        + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.");
        assertThat(answer.path("failure").path("class").stringValue()).isEqualTo("out-of-memory");
        assertThat(node.upStatus().path("status").stringValue()).isEqualTo("failed");
        assertThat(node.up().status()).isEqualTo(200);
    }

    @Test
    void neverReady_isATimeout_andLeavesNoProcess() throws IOException {
        restart(setup -> setup.startTimeout = Duration.ofSeconds(2));
        var failed = node.up("--fake", "deaf").json().orElseThrow();
        assertThat(failed.path("failure").path("class").stringValue()).isEqualTo("start-timeout");
        assertThat(node.instances()).isEmpty();
    }

    @Test
    void deathUnderLoad_isNoted_andTheEngineStartedAgain() throws IOException {
        // The node's own first request is the first.
        assertThat(node.up("--tensor-parallel-size", "2", "--fake", "die:2").status())
                .isEqualTo(200);
        long first = node.instance(0).path("pid").asLong();
        var broken = node.post(node.inference + "/v1/completions", "");
        assertThat(broken.status()).isEqualTo(502);
        await().atMost(PATIENCE).untilAsserted(() -> {
            var instance = node.instance(0);
            assertThat(instance.path("state").stringValue()).isEqualTo("serving");
            assertThat(instance.path("restarts").asInt()).isEqualTo(1);
            assertThat(instance.path("pid").asLong()).isNotEqualTo(first);
            assertThat(instance.path("failure").path("class").stringValue()).isEqualTo("died-under-load");
            assertThat(instance.path("failure").path("line").stringValue()).isEqualTo("AssertionError: lost a block");
        });
    }

    @Test
    void duringAStart_furtherUpsAreRefused_andDownEndsIt() throws IOException {
        assertThat(node.upAsync("--fake", "deaf").text())
                .isEqualTo("{\"status\":\"starting\",\"message\":\"Inference startup initiated in background\"}");
        assertThat(node.up().status()).isEqualTo(409);
        assertThat(node.upStatus().path("status").stringValue()).isEqualTo("in_progress");
        await().atMost(PATIENCE)
                .until(() -> node.instances().size() == 2
                        && node.instance(1).path("pid").asLong() > 0);
        long pid = node.instance(1).path("pid").asLong();
        assertThat(node.down().status()).isEqualTo(200);
        assertThat(ProcessTable.find(pid)).isEmpty();
        assertThat(node.upStatus().path("status").stringValue()).isEqualTo("not_started");
    }

    @Test
    void refusingNode_keepsWhatRuns() throws IOException {
        restart(setup -> setup.replace = false);
        assertThat(node.up("-tp", "2").status()).isEqualTo(200);
        var second = node.up();
        assertThat(second.status()).isEqualTo(409);
        assertThat(second.text())
                .isEqualTo("{\"detail\":\"VLLM is already running. Use /inference/down to stop it first.\"}");
        assertThat(node.instances()).hasSize(1);
    }
}
