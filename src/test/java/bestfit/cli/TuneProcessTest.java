package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.args.DeploymentConfig;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeClient;
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

/** The main job from one end to the other, as its own process, on one device so that it is short. */
@Tag("slow")
@Tag("together")
class TuneProcessTest {
    @TempDir
    Path home;

    private final ArrayList<Process> started = new ArrayList<>();

    @AfterEach
    void endProcesses() {
        started.forEach(Process::destroyForcibly);
    }

    /** Of two users, and shorter than what is measured without it, so that warming up is. */
    private String briefWorkload() throws IOException {
        return Files.writeString(home.resolve("brief.yml"), """
                        name: brief
                        load: {users: 2, requests: 2}
                        prompt: {tokens: 20}
                        output: {tokens: 60}
                        """).toString();
    }

    private Process tune(String... more) throws IOException {
        var arguments = new ArrayList<>(List.of("tune", "--engine", "embedded", "--json"));
        arguments.addAll(List.of(more));
        return bestfit("", arguments);
    }

    /** @param path in front of the PATH; empty for none */
    private Process bestfit(String path, List<String> arguments) throws IOException {
        // a background job of a shell ignores Ctrl-C, and so would its children
        var command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(OwnProcess.command(arguments));
        var builder = new ProcessBuilder(command)
                .redirectOutput(home.resolve("out").toFile())
                .redirectError(home.resolve("err").toFile());
        builder.environment().put("BESTFIT_HOME", home.toString());
        builder.environment().computeIfPresent("PATH", (_, old) -> path.isEmpty() ? old : path + ":" + old);
        var process = builder.start();
        started.add(process);
        return process;
    }

    /** A node on one core; its addresses. */
    private JsonNode node() throws IOException {
        var node = new ProcessBuilder(OwnProcess.command(List.of(
                        "node", "--port", "0", "--inference-port", "0", "--engine", "embedded", "--devices", "1")))
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        node.environment().put("BESTFIT_HOME", home.toString());
        node.environment().put("BESTFIT_PARENT_PIPE", "1");
        var process = node.start();
        started.add(process);
        return Json.parse(process.inputReader().readLine());
    }

    private String err() throws IOException {
        return Files.readString(home.resolve("err"));
    }

    private JsonNode result() throws IOException {
        return Json.parse(Files.readAllLines(home.resolve("out")).getLast());
    }

    /** Only the baseline can run, so that one trial is measured; the others fail, and the answer comes from the rest. */
    @Test
    void killedCampaignGoesOnAndEndsWithARecommendation() throws Exception {
        var flags = new String[] {"--devices", "2", "--users", "2", "--fault", "tp=2:exit,pp=2:exit"};
        var killed = tune(flags);
        await().atMost(Duration.ofMinutes(4))
                .untilAsserted(() -> assertThat(err()).contains("measured in"));
        var children = killed.descendants().toList();
        assertThat(children).isNotEmpty();
        killed.destroyForcibly().waitFor();
        await().atMost(Duration.ofSeconds(60)).until(() -> children.stream().noneMatch(ProcessHandle::isAlive));

        var second = tune(flags);
        assertThat(second.waitFor(400, TimeUnit.SECONDS)).isTrue();
        assertThat(second.exitValue()).as(err()).isZero();
        assertThat(err()).contains("was not finished: it goes on", "finished already and not repeated: ");
        assertThat(err()).doesNotContain("measured in");
        assertThat(result().path("recommendation").path("args").size()).isPositive();
        assertThat(result().path("simulated").asBoolean(true)).isFalse();
        var trials = result().path("trials");
        assertThat(trials.path(0).path("status").asString()).isEqualTo("measured");
        assertThat(trials.findValuesAsString("status"))
                .filteredOn("failed"::equals)
                .hasSize(4);
    }

    @Test
    void everyConfigFailing_endsWithoutRecommendation() throws Exception {
        var process = tune("--devices", "1", "--users", "2", "--fault", "exit");
        assertThat(process.waitFor(240, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(err()).isEqualTo(ExitCode.NO_RECOMMENDATION);
        assertThat(result().path("recommendation").isNull()).isTrue();
        assertThat(result().path("verdict").asString()).isEqualTo("none");
        assertThat(result().path("trials").path(0).path("failure").path("class").asString())
                .isEqualTo("crash-at-start");
    }

    /** Something runs on a node: it is asked for, it is the baseline, and it runs again after a stop and after a kill. */
    @Test
    void whatRanOnTheNodeRunsAgain() throws Exception {
        var urls = node();
        var management = urls.path("management").asString();
        var client =
                new NodeClient(NodeAddress.of(management, urls.path("inference").asString()));
        var before = new DeploymentConfig("tiny", "auto", VllmArgs.of("--max-num-seqs", "7"));
        assertThat(client.up(before)).isInstanceOf(NodeClient.Start.Up.class);

        var command = List.of(
                "tune",
                "--node",
                management,
                "--inference",
                client.address().inference(),
                "--devices",
                "1",
                "--workload",
                briefWorkload());
        var unasked = bestfit("", command);
        assertThat(unasked.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(unasked.exitValue()).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err()).contains("give --replace to interrupt it", "what ran before (TP 1 PP 1 ×1 seqs 7)");
        assertThat(client.current()).contains(before);

        var allowed = new ArrayList<>(command);
        allowed.addAll(List.of("--replace", "--json"));
        var killed = bestfit("", allowed);
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains("] TP 1 PP 1 ×1 seqs 7: block"));
        killed.destroyForcibly().waitFor();
        var stopped = bestfit("", allowed);
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains("] TP 1 PP 1 ×1 seqs 7: block"));
        assertThat(err()).contains("was not finished: it goes on");
        new ProcessBuilder("kill", "-INT", Long.toString(stopped.pid())).start().waitFor();
        assertThat(stopped.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(stopped.exitValue()).as(err()).isEqualTo(ExitCode.STOPPED);
        assertThat(result().path("verdict").asString()).isEqualTo("stopped");
        assertThat(result().path("left").asString()).contains("what ran before runs again");
        assertThat(client.current()).contains(before);

        var another = new ArrayList<>(allowed);
        another.addAll(List.of("--objective", "latency"));
        killed = bestfit("", allowed);
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains("] TP 1 PP 1 ×1 seqs 7: warm up"));
        var refused = bestfit("", another);
        assertThat(refused.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(refused.exitValue()).as("two at once on a node").isEqualTo(ExitCode.CAMPAIGN_BUSY);
        killed.destroyForcibly().waitFor();
        client.stop();
        stopped = bestfit("", another);
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains("] TP 1 PP 1 ×1 seqs 7: warm up"));
        new ProcessBuilder("kill", "-INT", Long.toString(stopped.pid())).start().waitFor();
        assertThat(stopped.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(client.current()).as("another command restores it too").contains(before);
    }

    /** Every config would start, and refuse every request. */
    @Test
    void whatNoConfigCouldDoIsRefusedBeforeAnythingStarts() throws Exception {
        var process = tune("--args", "--max-model-len 1024", "--dry-run");
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err()).contains("long: 1100 prompt and 60 output tokens", "context of 1024", "--workload FILE");
        assertThat(err()).doesNotContain("workload short");
        var noTime = tune("--start-timeout", "0s");
        assertThat(noTime.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(err()).contains("--start-timeout 0s leaves an engine no time");
    }

    /** A wrong port of ours, not a config that failed: the first trial ends the campaign, and the server is as it was. */
    @Test
    void inferencePortThatIsClosedIsNoFaultOfAConfig() throws Exception {
        var management = node().path("management").asString();
        int closed;
        try (var socket = new java.net.ServerSocket(0)) {
            closed = socket.getLocalPort();
        }
        var tune = bestfit(
                "",
                List.of("tune", "--node", management, "--inference", "http://127.0.0.1:" + closed, "--devices", "1"));
        assertThat(tune.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(tune.exitValue()).as(err()).isEqualTo(ExitCode.FAILED);
        assertThat(err()).contains("takes no connection", "--inference").doesNotContain("failed: ");
    }

    /** Neither are its figures the candidate's, nor is it ours to end. */
    @Test
    void whatSomebodyElseDeploysMeanwhileIsLeftAlone() throws Exception {
        var urls = node();
        var client = new NodeClient(NodeAddress.of(
                urls.path("management").asString(), urls.path("inference").asString()));
        var tune = bestfit(
                "",
                List.of(
                        "tune",
                        "--node",
                        client.address().management(),
                        "--inference",
                        client.address().inference(),
                        "--devices",
                        "1",
                        "--workload",
                        briefWorkload()));
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains(": block 1"));
        var other = new DeploymentConfig("tiny", "auto", VllmArgs.of("--max-num-seqs", "9"));
        assertThat(client.up(other)).isInstanceOf(NodeClient.Start.Up.class);
        assertThat(tune.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(tune.exitValue()).as(err()).isEqualTo(ExitCode.FAILED);
        assertThat(err()).contains("somebody else deployed", "--max-num-seqs 9").doesNotContain("failed: ");
        assertThat(client.current()).contains(other);
    }

    @Test
    void machineWithVllmIsAskedWhatToTune() throws Exception {
        program("vllm", "");
        assertThat(tuneWithoutFlags("--json")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err()).contains("bestfit tune --engine vllm --model", "bestfit tune --engine embedded");
    }

    /** Without the driver's library, as in a container that was given the program alone. */
    @Test
    void nvidiaSmiAloneCountsAsGpus_unlessItFails() throws Exception {
        program("nvidia-smi", "[ \"$1\" = -L ] && echo 'GPU 0: NVIDIA L4 (UUID: GPU-a)'");
        assertThat(tuneWithoutFlags("--json")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err()).contains("NVIDIA GPUs:     bestfit tune --engine vllm --model DIRECTORY");
        program("nvidia-smi", "echo \"NVIDIA-SMI has failed because it couldn't communicate\"; exit 9");
        assertThat(tuneWithoutFlags("--dry-run")).as(err()).isEqualTo(ExitCode.OK);
        assertThat(err()).contains("tells no GPU: it ends with 9: NVIDIA-SMI has failed");
    }

    private int tuneWithoutFlags(String flag) throws Exception {
        var process = bestfit(home.toString(), List.of("tune", flag));
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private void program(String name, String script) throws IOException {
        var file = home.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + script + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }
}
