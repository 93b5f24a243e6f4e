package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.ConfigException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;

/** An error is a short message and a documented exit code, never a stack trace. */
class MainTest {
    private final StringWriter err = new StringWriter();

    @Command(name = "failing")
    private record Failing(RuntimeException failure) implements Callable<Integer> {
        @Override
        public Integer call() {
            throw failure;
        }
    }

    private int run(RuntimeException failure) {
        return Main.commandLine()
                .addSubcommand(new Failing(failure))
                .setErr(new PrintWriter(err, true))
                .execute("failing");
    }

    private int run(String... args) {
        return Main.commandLine(args).setErr(new PrintWriter(err, true)).execute(args);
    }

    @Test
    void unknownFlag_isNamedWithTheNearestOne() {
        assertThat(run("version", "--jsn")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("--jsn", "Did you mean: --json").hasLineCount(3);
    }

    @Test
    void valueOfAnUnknownFlagIsNoMistakeOfItsOwn_andJavasTypesAreNotNamed() {
        assertThat(run("tune", "--devics", "2")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run("tune", "--devices", "x")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString())
                .contains("Unknown: --devics" + System.lineSeparator(), "'x' is not a whole number")
                .doesNotContain("is not an int");
    }

    @Test
    void unknownCommand_isNamedWithTheKnownOnes() {
        assertThat(run("versoin")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("Unknown command versoin", "Did you mean: version", "Commands: ", "help, ");
    }

    @Test
    void subcommands_areThereForHelpAndByName() {
        for (var asked : List.of("bench --help", "bench -hV", "help bench", "bench http://127.0.0.1:1 -h")) {
            var out = new StringWriter();
            var args = asked.split(" ", -1);
            assertThat(Main.commandLine(args).setOut(new PrintWriter(out, true)).execute(args))
                    .isEqualTo(ExitCode.OK);
            assertThat(out.toString()).contains("  sweep ", "  search ");
        }
        assertThat(run("bench", "search", "--rates=1")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("--rates=1", "bestfit bench search --help");
    }

    @Test
    void unknownFlag_isNamedEvenWhereARequiredOneIsMissing() {
        assertThat(run("measure", "--frobnicate")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("--node_url", "unknown: --frobnicate");
    }

    @Test
    void addressesAndFaultsAreCheckedBeforeAnythingStarts() {
        assertThat(run("tune", "--node", "http://127.0.0.1:99999")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run("tune", "--node", "http://127.0.0.1:1", "--devices", "2"))
                .isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run("tune", "--engine", "embedded", "--fault", "zzz")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run("node", "--port", "0", "--fault", "tp=x:exit")).isEqualTo(ExitCode.BAD_INPUT);
        for (var address : List.of("http://127.0.0.1:99999", "http://127.0.0.1:0", "http://-:80", "https://a")) {
            assertThat(run("node", "--port", "0", "--attach", address))
                    .as(address)
                    .isEqualTo(ExitCode.BAD_INPUT);
        }
        assertThat(err.toString().lines())
                .hasSize(8)
                .allMatch(line -> line.startsWith("bestfit: "))
                .noneMatch(line -> line.contains("Exception"));
    }

    @Test
    void dryRun_looksAtTheDatabase(@TempDir Path folder) throws IOException {
        var database = Files.writeString(folder.resolve("notes.txt"), "groceries: bread, milk and a new server");
        assertThat(run("tune", "--engine", "embedded", "--dry-run", "--db", database.toString()))
                .isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("is not an SQLite database");
        assertThat(database).hasContent("groceries: bread, milk and a new server");
    }

    @Test
    void help_refusesWhatItDoesNotKnow() {
        assertThat(run("help", "--unknown")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run("help", "nope")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("--unknown", "Unknown command nope", "Commands: ");
        assertThat(run("help", "args", "explain")).isEqualTo(ExitCode.OK);
    }

    @Test
    void unknownDtype_isRefusedWithTheAllowedOnes() {
        assertThat(run("tune", "--engine", "embedded", "--dtype", "int3", "--dry-run"))
                .isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run("plan", "--no-predict", "--dtype", "int3")).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString().lines())
                .hasSize(2)
                .allMatch(line -> line.contains("--dtype int3") && line.contains("allowed: auto, bfloat16, float16"));
    }

    /** Those of a command of the house; what they say is what a user pastes. */
    @Test
    void helpHasExamples_thatAreRight() {
        var withExamples = new TreeSet<String>();
        Main.commandLine().getSubcommands().forEach((name, command) -> {
            for (var line : command.getCommandSpec().usageMessage().footer()) {
                var words = line.strip().replaceAll("'[^']*'", "''").split(" ");
                assertThat(words).startsWith("bestfit", name);
                Main.commandLine().parseArgs(Arrays.copyOfRange(words, 1, words.length));
                withExamples.add(name);
            }
            assertThat(command.getUsageMessage().lines()).allMatch(line -> line.length() <= 100);
        });
        assertThat(withExamples)
                .contains("tune", "node", "engine", "measure", "measure-from-yaml", "list", "report", "plan");
    }

    @Test
    void flagsAreCheckedTogether() {
        assertThat(run("tune", "--objective", "speed", "--users", "0", "--time-scale", "2"))
                .isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString().lines())
                .containsExactly(
                        "bestfit: --users: 0 is not allowed; it takes a whole number from 1 to 10000.",
                        "bestfit: --objective: speed is not allowed; it takes score or throughput or latency.",
                        "bestfit: --time-scale 2 belongs to --simulate; give the GPUs to simulate too");
    }

    @Test
    void noCommand_isBadInput() {
        assertThat(run()).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString()).contains("A command is missing.", "Commands: ");
    }

    @Test
    void configException_printsEveryProblem() {
        assertThat(run(new ConfigException(List.of("first thing.", "second thing."))))
                .isEqualTo(ExitCode.BAD_INPUT);
        assertThat(err.toString().lines()).containsExactly("bestfit: first thing.", "bestfit: second thing.");
    }

    @Test
    void machineFailure_namesTheFile() {
        assertThat(run(new UncheckedIOException(new NoSuchFileException("/a/b"))))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString()).contains("NoSuchFileException", "/a/b").hasLineCount(1);
    }

    @Test
    void machineFailure_isToldInTheWordsOfWhoKnewWhatWasBeingDone() {
        var cause = new IOException("finishConnect(..) failed with error(-111)");
        assertThat(run(new UncheckedIOException("node http://h:1 cannot be reached", cause)))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines()).containsExactly("bestfit: node http://h:1 cannot be reached");
    }

    @Test
    void defect_saysHowToSeeMore() {
        assertThat(run(new IllegalStateException("broken"))).isEqualTo(ExitCode.INTERNAL);
        assertThat(err.toString())
                .contains("IllegalStateException: broken", "BESTFIT_DEBUG=1")
                .hasLineCount(2);
    }
}
