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
class TuneProcessTest {
    @TempDir
    Path home;

    private final ArrayList<Process> started = new ArrayList<>();

    @AfterEach
    void endProcesses() {
        started.forEach(Process::destroyForcibly);
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
        var node = new ProcessBuilder(OwnProcess.command(List.of(
                        "node", "--port", "0", "--inference-port", "0", "--engine", "embedded", "--devices", "1")))
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        node.environment().put("BESTFIT_HOME", home.toString());
        node.environment().put("BESTFIT_PARENT_PIPE", "1");
        var process = node.start();
        started.add(process);
        var urls = Json.parse(process.inputReader().readLine());
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
                "--users",
                "2");
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
