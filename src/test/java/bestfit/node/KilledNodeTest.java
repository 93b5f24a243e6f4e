package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.mlnode.UpRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A node as a process of its own, ended in every way a process can end; no engine may be left. */
@Tag("slow")
@Tag("together")
class KilledNodeTest {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private final HttpClient http = new HttpClient();
    private final List<Process> nodes = new ArrayList<>();

    @TempDir
    Path home;

    @AfterEach
    void endNodes() throws Exception {
        for (var node : nodes) {
            node.destroy();
            node.waitFor(30, TimeUnit.SECONDS);
        }
    }

    private record Running(Process process, JsonNode announced) {}

    private Running startNode(String... environment) throws IOException {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var classPath = System.getProperty("java.class.path");
        var engine =
                Json.array().add(java).add("-XX:TieredStopAtLevel=1").add("-cp").add(classPath);
        engine.add(FakeEngine.class.getName()).add("--port").add("{port}").add("{args}");
        var builder = new ProcessBuilder(
                        java,
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classPath,
                        "bestfit.cli.Main",
                        "node",
                        "--port=0",
                        "--inference-port=0",
                        "--devices=1",
                        "--engine-command",
                        engine.toString())
                .redirectError(home.resolve("node.err").toFile());
        builder.environment().put("BESTFIT_HOME", home.toString());
        for (var name : environment) {
            builder.environment().put(name, "1");
        }
        var process = builder.start();
        nodes.add(process);
        return new Running(process, Json.parse(process.inputReader().readLine()));
    }

    /** Deploys an engine with a stubborn child; the session of both. */
    private long deploy(Running node) throws IOException {
        var management = node.announced().path("management").stringValue();
        var request = new UpRequest("m", "auto", List.of("--fake", "heir"));
        var answer = http.postJson(management + "/api/v1/inference/up", request.toJson(), PATIENCE);
        assertThat(answer.text()).isEqualTo("{\"status\":\"OK\"}");
        var instances = http.get(management + "/api/v1/inference/instances", PATIENCE)
                .json()
                .orElseThrow();
        long session = instances.path("instances").get(0).path("pid").asLong();
        assertThat(ProcessTable.session(session)).hasSizeGreaterThan(1);
        return session;
    }

    @Test
    void killedNode_isClearedByTheNext_whichEndsNothingElse() throws Exception {
        var bystander = new ProcessBuilder("sleep", "60").start();
        try {
            var node = startNode();
            long session = deploy(node);
            Signal.KILL.toProcess(node.process().pid());
            node.process().waitFor();
            assertThat(ProcessTable.session(session)).isNotEmpty();
            startNode();
            assertThat(ProcessTable.session(session)).isEmpty();
            assertThat(bystander.isAlive()).isTrue();
        } finally {
            bystander.destroy();
        }
    }

    @Test
    void terminatedNode_endsItsEnginesFirst_andLeavesNoRecord() throws Exception {
        var node = startNode();
        long session = deploy(node);
        node.process().destroy();
        assertThat(node.process().waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(ProcessTable.session(session)).isEmpty();
        try (var records = Files.list(home.resolve("nodes"))) {
            assertThat(records).isEmpty();
        }
    }

    @Test
    void childNode_endsWithItsParent() throws Exception {
        var node = startNode(EngineCommandLine.PARENT_PIPE);
        long session = deploy(node);
        node.process().getOutputStream().close();
        await().atMost(PATIENCE).until(() -> !node.process().isAlive());
        assertThat(ProcessTable.session(session)).isEmpty();
    }
}
