package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
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
        var arguments = new ArrayList<>(List.of("tune", "--engine", "embedded", "--devices", "1", "--users", "2"));
        arguments.addAll(List.of("--json"));
        arguments.addAll(List.of(more));
        var builder = new ProcessBuilder(OwnProcess.command(arguments))
                .redirectOutput(home.resolve("out").toFile())
                .redirectError(home.resolve("err").toFile());
        builder.environment().put("BESTFIT_HOME", home.toString());
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

    @Test
    void killedCampaignGoesOnAndEndsWithARecommendation() throws Exception {
        var killed = tune();
        await().atMost(Duration.ofSeconds(90)).until(() -> err().contains("measured in"));
        var children = killed.descendants().toList();
        assertThat(children).isNotEmpty();
        killed.destroyForcibly().waitFor();
        await().atMost(Duration.ofSeconds(20)).until(() -> children.stream().noneMatch(ProcessHandle::isAlive));

        var second = tune();
        assertThat(second.waitFor(180, TimeUnit.SECONDS)).isTrue();
        assertThat(second.exitValue()).as(err()).isZero();
        assertThat(err()).contains("was not finished: it goes on", "finished already and not repeated: 1");
        assertThat(result().path("recommendation").path("args").size()).isPositive();
        assertThat(result().path("simulated").asBoolean(true)).isFalse();
        assertThat(result().path("trials").path(0).path("status").asString()).isEqualTo("measured");
    }

    @Test
    void everyConfigFailing_endsWithoutRecommendation() throws Exception {
        var process = tune("--fault", "exit");
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(err()).isEqualTo(ExitCode.NO_RECOMMENDATION);
        assertThat(result().path("recommendation").isNull()).isTrue();
        assertThat(result().path("verdict").asString()).isEqualTo("none");
        assertThat(result().path("trials").path(0).path("failure").path("class").asString())
                .isEqualTo("crash-at-start");
    }
}
