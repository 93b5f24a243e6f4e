package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JudgeCommandTest {
    /** The tool is bench itself, once by its printed object and once by its events. */
    @Test
    @Tag("slow")
    void tool_isJudgedBesideOurs() {
        var command = OwnProcess.command(java.util.List.of(
                "bench",
                "{url}",
                "--concurrency",
                "{streams}",
                "--requests",
                "{requests}",
                "--prompt-tokens",
                "8",
                "--output-tokens",
                "{tokens}",
                "--events",
                "{dir}/events.jsonl"));
        var args = new java.util.ArrayList<>(java.util.List.of(
                "judge",
                "--streams",
                "4",
                "--requests",
                "12",
                "--tokens",
                "5",
                "--ttft",
                "20",
                "--tpot",
                "2",
                "--json",
                "--name",
                "itself",
                "--"));
        args.addAll(command);
        var before = System.out;
        var out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        int exit;
        try {
            exit = Main.run(args.toArray(String[]::new));
        } finally {
            System.setOut(before);
        }
        assertThat(exit).isEqualTo(ExitCode.OK);
        var tools = Json.parse(out.toString(StandardCharsets.UTF_8).strip()).path("tools");
        assertThat(tools).hasSize(2).allSatisfy(tool -> {
            assertThat(tool.path("requests").asInt()).isEqualTo(12);
            assertThat(tool.path("most_streams_at_once").asInt()).isEqualTo(4);
            assertThat(tool.at("/error_ms/ttft/truth_mean").asDouble()).isGreaterThanOrEqualTo(20);
            assertThat(tool.at("/error_ms/ttft/mean").isNumber()).isTrue();
            assertThat(tool.path("startup_cpu_s").asDouble()).isPositive();
        });
        assertThat(tools.path(0).path("tool").asString()).isEqualTo("itself");
    }

    /** It tells figures, of another server or of none. */
    @Test
    @Tag("slow")
    void toolThatSendsNothing_isNoSuccess() {
        assertThat(Main.run(
                        "judge",
                        "--streams",
                        "1",
                        "--tokens",
                        "2",
                        "--only",
                        "--",
                        "echo",
                        "{\"ttft\": {\"mean\": 5}}"))
                .isEqualTo(ExitCode.FAILED);
    }

    @Test
    @Tag("slow")
    void stoppedJudge_leavesNoToolBehind(@TempDir Path folder) throws Exception {
        var pid = folder.resolve("pid");
        var judge = new ProcessBuilder(OwnProcess.command(java.util.List.of(
                        "judge",
                        "--streams",
                        "1",
                        "--tokens",
                        "2",
                        "--only",
                        "--",
                        "sh",
                        "-c",
                        "echo $$ > " + pid + "; exec sleep 300")))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("out").toFile())
                .start();
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> Files.exists(pid) && Files.readString(pid).endsWith("\n"));
        judge.destroy();
        judge.waitFor();
        assertThat(ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())))
                .isEmpty();
    }

    @Test
    void withoutTool_isBadInput() {
        assertThat(Main.run("judge", "--streams", "4")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(Main.run("judge", "--streams", "0", "--", "x")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(Main.run("judge", "--limit", "x", "--", "x")).isEqualTo(ExitCode.BAD_INPUT);
    }
}
