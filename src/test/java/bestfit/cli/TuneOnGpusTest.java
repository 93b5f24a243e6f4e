package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import bestfit.config.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A campaign on a node of two hot GPUs: its nvidia-smi tells them, as on another machine to it alone, and an engine that computes nothing stands for vLLM. */
@Tag("slow")
@Tag("together")
class TuneOnGpusTest {
    private static final String CAPPED = "0x0000000000000004";

    /** Power cap and hardware's thermal slowdown. */
    private static final String HOT = "0x0000000000000044";

    @TempDir
    Path home;

    private final ArrayList<Process> started = new ArrayList<>();

    @BeforeEach
    void twoGpus() throws IOException {
        assumeFalse(Files.exists(Path.of("/dev/nvidia0")), "real GPUs are here, and would be told instead");
        FakeNvidiaSmi.install(home, CAPPED, HOT);
    }

    @AfterEach
    void endProcesses() {
        started.forEach(Process::destroyForcibly);
    }

    private ProcessBuilder bestfit(List<String> arguments) {
        // a background job of a shell ignores Ctrl-C, and so would its children
        var command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(OwnProcess.command(arguments));
        var builder = new ProcessBuilder(command);
        builder.environment().put("BESTFIT_HOME", home.toString());
        builder.environment().remove("CUDA_VISIBLE_DEVICES");
        return builder;
    }

    private JsonNode node(String... engine) throws IOException {
        var command = new ArrayList<>(List.of("node", "--port", "0", "--inference-port", "0", "--devices", "2"));
        command.addAll(List.of(engine));
        var builder = bestfit(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("BESTFIT_PARENT_PIPE", "1");
        builder.environment().computeIfPresent("PATH", (_, old) -> home + ":" + old);
        var process = builder.start();
        started.add(process);
        return Json.parse(process.inputReader().readLine());
    }

    private Process tune(JsonNode node, String... more) throws IOException {
        var command = new ArrayList<>(List.of(
                "tune",
                "--node",
                node.path("management").asString(),
                "--inference",
                node.path("inference").asString(),
                "--json"));
        command.addAll(List.of(more));
        var process = bestfit(command)
                .redirectOutput(home.resolve("out").toFile())
                .redirectError(home.resolve("err").toFile())
                .start();
        started.add(process);
        return process;
    }

    private String err() throws IOException {
        return Files.readString(home.resolve("err"));
    }

    private JsonNode stoppedOnceItSays(Process tune, String text) throws Exception {
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains(text) || !tune.isAlive());
        new ProcessBuilder("kill", "-INT", Long.toString(tune.pid())).start().waitFor();
        assertThat(tune.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(tune.exitValue()).as(err()).isEqualTo(ExitCode.STOPPED);
        return Json.parse(Files.readAllLines(home.resolve("out")).getLast());
    }

    @Test
    void trialTellsWhichGpuWasThrottledWhileItWasMeasured() throws Exception {
        var node = node("--engine", "embedded", "--simulate", "2xL4", "--time-scale", "4");
        throttled(stoppedOnceItSays(tune(node, "--model", "Qwen/Qwen3-0.6B", "--users", "2"), "measured in"));
        assertThat(home.resolve("measured"))
                .as("what an engine of ours took is no GPU's")
                .doesNotExist();
    }

    private void throttled(JsonNode result) throws IOException {
        assertThat(err())
                .contains(
                        "s; WARNING: GPU 1 was throttled: hw-thermal in ",
                        "└ WARNING: GPU 1 was throttled: hw-thermal in ")
                .contains("down to 615 MHz, up to 91 °C")
                .contains("At the power cap at times, which is usual under load: GPU 0, 1.")
                .doesNotContain("GPU 0 was throttled");
        var trials = result.path("trials").valueStream().toList();
        var measured =
                trials.stream().filter(each -> each.path("status").asString().equals("measured"));
        assertThat(measured).singleElement().satisfies(trial -> {
            var gpus = trial.path("gpus");
            assertThat(gpus.findValuesAsString("index")).containsExactly("0", "1");
            assertThat(gpus.get(1).path("deployment").asInt(-1)).isZero();
            assertThat(gpus.get(1).path("slowed_by").toString()).isEqualTo("[\"power-cap\",\"hw-thermal\"]");
            assertThat(gpus.get(1).path("samples").asDouble())
                    .as("a sample a second, of the blocks alone")
                    .isLessThan(trial.path("seconds").asDouble());
        });
        assertThat(trials)
                .filteredOn(each -> each.path("status").asString().equals("excluded"))
                .noneMatch(each -> each.has("gpus"));
    }

    /** Every trial by itself, the moment it is measured: who is stopped or killed has learnt what was paid for. */
    @Test
    void planKnowsEachTrialOnce_thoughTheCampaignWasKilledAndGoesOn() throws Exception {
        var node = node("--engine-command", standInVllm());
        var workload = Files.writeString(home.resolve("brief.yml"), """
                - {name: shorter, load: {users: 2, requests: 2}, prompt: {tokens: 20}, output: {tokens: 8}}
                - {name: longer, load: {users: 2, requests: 2}, prompt: {tokens: 100}, output: {tokens: 8}}
                """).toString();
        var flags =
                new String[] {"--model", "Qwen/Qwen3-0.6B", "--args", "--tensor-parallel-size 2", "--workload", workload
                };
        assertThat(planBasis()).isEqualTo("similar GPU");
        var killed = tune(node, flags);
        await().atMost(Duration.ofMinutes(4)).until(() -> err().contains("measured in") || !killed.isAlive());
        killed.destroyForcibly().waitFor();
        assertThat(planBasis()).as(err()).isEqualTo("measured here");
        assertThat(learnt()).as("shorter and longer prompts").hasSize(2);

        onlyWhatWasMeasured(tune(
                node,
                Stream.concat(Stream.of(flags), Stream.of("--budget", "1s")).toArray(String[]::new)));

        var tune = tune(node, flags);
        assertThat(tune.waitFor(300, TimeUnit.SECONDS)).isTrue();
        assertThat(tune.exitValue()).as(err()).isEqualTo(ExitCode.OK);
        var trials =
                Json.parse(Files.readAllLines(home.resolve("out")).getLast()).path("trials");
        int deployments = trials.valueStream()
                .mapToInt(trial -> trial.path("deployments").asInt(0))
                .sum();
        assertThat(deployments).isGreaterThanOrEqualTo(4);
        assertThat(learnt()).hasSize(2 * deployments).doesNotHaveDuplicates();
        assertThat(err()).contains(" now predicts from " + 2 * deployments + " measurements");
    }

    /** What an earlier run spent counts, and what it measured is what can be said. */
    private void onlyWhatWasMeasured(Process tune) throws Exception {
        assertThat(tune.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(tune.exitValue()).as(err()).isEqualTo(ExitCode.OK);
        assertThat(err()).contains("budget: 1 s for all runs").doesNotContain("measured in");
        var result = Json.parse(Files.readAllLines(home.resolve("out")).getLast());
        assertThat(result.path("verdict").asString()).isEqualTo("budget");
        assertThat(result.path("trials")
                        .valueStream()
                        .filter(trial -> trial.path("deployments").asInt(0) > 0))
                .singleElement()
                .satisfies(
                        trial -> assertThat(result.at("/recommendation/args")).isEqualTo(trial.path("args")));
        assertThat(result.path("trials").findValuesAsString("reason")).contains("the time given was over before");
    }

    private static String standInVllm() {
        var command = new ArrayList<>(OwnProcess.command(List.of("--port", "{port}", "{args}")));
        command.set(command.indexOf(Main.class.getName()), StandInVllm.class.getName());
        return JsonMapper.shared().writeValueAsString(command);
    }

    private String planBasis() throws Exception {
        var plan = bestfit(List.of("plan", "--server", "2xL4", "--model", "Qwen3-0.6B", "--json"))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var text = new String(plan.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(plan.waitFor()).isZero();
        return Json.parse(text).at("/configs/0/basis").asString();
    }

    private List<String> learnt() throws IOException {
        try (var files = Files.list(home.resolve("measured"))) {
            var table = files.filter(file -> file.toString().endsWith(".csv")).toList();
            assertThat(table).hasSize(1);
            var lines = Files.readAllLines(table.getFirst());
            return lines.subList(1, lines.size());
        }
    }
}
