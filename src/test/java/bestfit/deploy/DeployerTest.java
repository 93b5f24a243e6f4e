package bestfit.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.args.DeploymentConfig;
import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.deploy.FakeMlNode.Era;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;

/** Deploying on MLNode's builds as they really behave. */
@Tag("together")
class DeployerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    private Path log = Path.of("");

    @BeforeEach
    void log() throws IOException {
        log = Files.writeString(folder.resolve("node.log"), "ERROR old: CUDA error of the start before\n");
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void servesWhenEveryInstanceDoes_notWhenTheNodeSaysOk(Era era) throws Exception {
        try (var node = FakeMlNode.start(era, log)) {
            var outcome = deployer(node).deploy(config());
            // A has no list of GPUs, so nothing tells how many instances there should be.
            int instances = era == Era.A ? 0 : 2;
            assertThat(outcome)
                    .isInstanceOfSatisfying(
                            Deployer.Outcome.Serving.class,
                            serving -> assertThat(serving.instances()).isEqualTo(instances));
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void failedStartIsNoGuess_andTheNodeServesTheNext(Era era) throws Exception {
        try (var node = FakeMlNode.start(era, log)) {
            var deployer = deployer(node);
            assertThat(deployer.deploy(config("--fail")))
                    .isInstanceOfSatisfying(Deployer.Outcome.Failed.class, failed -> {
                        assertThat(failed.name()).isEqualTo("unknown (no log access)");
                        assertThat(failed.line()).isEqualTo("vLLM process exited prematurely: None");
                    });
            // B and C live on when told to stop at once; A ends and comes back.
            assertThat(node.restarts.get()).isEqualTo(era == Era.A ? 1 : 0);
            assertThat(deployer.deploy(config())).isInstanceOf(Deployer.Outcome.Serving.class);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"A", "C"})
    void withTheNodesLogTheCauseIsTold(Era era) throws Exception {
        try (var node = FakeMlNode.start(era, log);
                var logs = NodeLogs.open(log.toString())) {
            var deployer = new Deployer(new NodeClient(node.address()), PATIENCE, Optional.of(logs));
            assertThat(deployer.deploy(config("--fail")))
                    .isInstanceOfSatisfying(Deployer.Outcome.Failed.class, failed -> {
                        assertThat(failed.name()).isEqualTo("out-of-memory");
                        assertThat(failed.line()).isEqualTo("torch.OutOfMemoryError: CUDA out of memory.");
                    });
        }
    }

    @Test
    void logWithoutALineOfTheStart_isNoLog() throws Exception {
        try (var node = FakeMlNode.start(Era.C, log);
                var logs = NodeLogs.open(log.toString())) {
            var deployer = new Deployer(new NodeClient(node.address()), PATIENCE, Optional.of(logs));
            assertThat(deployer.deploy(config("--fail-silently")))
                    .isInstanceOfSatisfying(
                            Deployer.Outcome.Failed.class,
                            failed -> assertThat(failed.name()).isEqualTo("unknown (no log access)"));
        }
    }

    @Test
    void modelServedByAnotherName_isAskedForByIt() throws Exception {
        try (var node = FakeMlNode.start(Era.C, log)) {
            assertThat(deployer(node).deploy(config("--served-model-name", "mine")))
                    .isInstanceOf(Deployer.Outcome.Serving.class);
        }
    }

    @Test
    void lostAnswerOfAStart_isAskedFor() throws Exception {
        try (var node = FakeMlNode.start(Era.C, log)) {
            assertThat(deployer(node).deploy(config("--lose-answer"))).isInstanceOf(Deployer.Outcome.Serving.class);
            assertThat(node.ups.get()).isEqualTo(1);
        }
    }

    @Test
    void whatRuns_isReplaced() throws Exception {
        try (var node = FakeMlNode.start(Era.B, log)) {
            var deployer = deployer(node);
            assertThat(deployer.deploy(config())).isInstanceOf(Deployer.Outcome.Serving.class);
            assertThat(new NodeClient(node.address()).up(config())).isInstanceOf(NodeClient.Start.Busy.class);
            assertThat(deployer.deploy(config())).isInstanceOf(Deployer.Outcome.Serving.class);
        }
    }

    @Test
    @Tag("slow")
    void nodeThatFreezesEndsAndComesBack_isWaitedFor() throws Exception {
        try (var node = FakeMlNode.start(Era.B, log)) {
            var deployer = deployer(node);
            assertThat(deployer.deploy(config())).isInstanceOf(Deployer.Outcome.Serving.class);
            node.freezeAndRestart(12_000); // longer than one call's patience
            assertThat(deployer.lost("a request failed").name()).isEqualTo("node-lost");
            assertThat(deployer.deploy(config())).isInstanceOf(Deployer.Outcome.Serving.class);
            assertThat(node.restarts.get()).isEqualTo(1);
        }
    }

    @Test
    void logsOfACommand_areReadSinceTheMark() throws Exception {
        var file = folder.resolve("grows");
        Files.writeString(file, "before\n");
        try (var logs = NodeLogs.open("tail -n +1 -f " + file)) {
            Awaitility.await().until(() -> logs.lines().contains("before"));
            logs.mark();
            Files.writeString(file, "after\n", java.nio.file.StandardOpenOption.APPEND);
            Awaitility.await().until(() -> logs.lines().contains("after"));
            assertThat(logs.lines()).containsExactly("after");
        }
    }

    /** The same questions, put to this project's own node with engines that compute nothing. */
    @Test
    @Tag("slow")
    void ownNode_servesAll_namesItsFailures_andIsReplaced() throws Exception {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var engine = List.of(
                java,
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "bestfit.node.FakeEngine");
        var command = List.of(
                java,
                "-cp",
                System.getProperty("java.class.path"),
                "bestfit.cli.Main",
                "node",
                "--port=0",
                "--inference-port=0",
                "--devices=2",
                "--engine-command",
                JsonMapper.shared().writeValueAsString(engine));
        var environment = new HashMap<>(System.getenv());
        environment.put("BESTFIT_HOME", folder.toString());
        try (var own = OwnNode.start(command, environment, folder.resolve("own.log"))) {
            var node = new NodeClient(own.address());
            var deployer = new Deployer(node, PATIENCE);
            assertThat(deployer.deploy(config()))
                    .isInstanceOfSatisfying(
                            Deployer.Outcome.Serving.class,
                            serving -> assertThat(serving.instances()).isEqualTo(2));
            assertThat(deployer.deploy(config("--fake", "exit")))
                    .isInstanceOfSatisfying(
                            Deployer.Outcome.Failed.class,
                            failed -> assertThat(failed.name()).isEqualTo("out-of-memory"));
            assertThat(deployer.deploy(config("-tp", "2")))
                    .isInstanceOfSatisfying(
                            Deployer.Outcome.Serving.class,
                            serving -> assertThat(serving.instances()).isEqualTo(1));
            assertThat(node.current()).contains(config("-tp", "2"));
            assertThat(new NodeDoctor(own.address()).look().findings()).isEmpty();
        }
    }

    @Test
    void logsThatCannotBeRead_areNamed_andARotatedFileIsReadAnew() throws Exception {
        for (var wrong : List.of("", folder.resolve("absent").toString(), "no-such-program-here --follow")) {
            assertThatThrownBy(() -> NodeLogs.open(wrong))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("--node-logs");
        }
        try (var logs = NodeLogs.open(log.toString())) {
            logs.mark();
            Files.writeString(log, "begun anew\n");
            assertThat(logs.lines()).containsExactly("begun anew");
        }
    }

    private static Deployer deployer(FakeMlNode node) {
        return new Deployer(new NodeClient(node.address()), PATIENCE);
    }

    private static DeploymentConfig config(String... args) {
        return new DeploymentConfig("model", "auto", VllmArgs.of(args));
    }
}
