package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine is told before it is killed. */
@Tag("slow")
@Tag("together")
class EngineStopTest {
    /** Waits without a child: one that dies of the group's signal can swallow the shell's. */
    private static final String HEARS_ALL =
            "mkfifo silent; exec 3<>silent; trap 'echo INT' INT; trap 'echo TERM' TERM; "
                    + "echo ready; while :; do read nothing <&3; done";

    @TempDir
    Path folder;

    @Test
    void interruptThenTerminateThenKill() throws IOException {
        try (var log = new InstanceLog("stubborn", folder.resolve("log"))) {
            var launch = new Launch(
                    List.of(
                            "setsid",
                            "env",
                            "--default-signal=INT",
                            "sh",
                            "-c",
                            "cd \"$0\"; " + HEARS_ALL,
                            folder.toString()),
                    Map.of("PATH", "/usr/bin:/bin"),
                    true,
                    false,
                    Signal.INT);
            var process = EngineProcess.start(launch, log);
            await().until(() -> log.last(10).contains("ready"));
            assertThat(process.stop()).isTrue();
            assertThat(process.exitCode()).isEqualTo(Signal.KILL.exitCode());
            assertThat(log.last(10)).containsSubsequence("ready", "INT", "TERM");
        }
    }

    /** Of those that left its session one carries the instance's mark and lost its parent, the other wrote over its environment. */
    @Test
    void whatLeftTheEnginesSession_endsWithIt() throws IOException {
        var script = "(setsid sleep 600 & echo $!); setsid env -i sleep 600 & echo $!; echo ready; wait";
        try (var log = new InstanceLog("ray", folder.resolve("log"))) {
            var launch = new Launch(
                    List.of("setsid", "sh", "-c", script),
                    Map.of("PATH", "/usr/bin:/bin", EngineCommandLine.INSTANCE_ID, folder.toString()),
                    true,
                    false,
                    Signal.TERM);
            var process = EngineProcess.start(launch, log);
            await().until(() -> log.last(10).contains("ready"));
            var strays = log.last(10).stream()
                    .filter(line -> line.matches("\\d+"))
                    .map(Long::valueOf)
                    .toList();
            await().untilAsserted(() -> assertThat(strays)
                    .hasSize(2)
                    .allSatisfy(pid -> assertThat(ProcessTable.session(pid)).hasSize(1)));
            assertThat(process.stop()).isTrue();
            assertThat(strays)
                    .allSatisfy(pid -> assertThat(ProcessTable.find(pid)).isEmpty());
        }
    }

    /** Such a worker's first thread is a zombie; another still holds what the process has open, as a GPU's driver makes it do. */
    @Test
    void aWorkerWhoseOtherThreadsEndLater_isWaitedFor() throws IOException, InterruptedException {
        assumeThat(new ProcessBuilder("perl", "-Mthreads", "-e", "1").start().waitFor())
                .as("perl has threads")
                .isZero();
        var script = "$| = 1; $parent = $$; $SIG{INT} = $SIG{TERM} = 'IGNORE'; $worker = fork;"
                + "if (!$worker) { async { select undef, undef, undef, 0.02 while getppid == $parent; sleep 1 }; syscall 60, 0 }"
                + "$SIG{INT} = sub { exit }; print \"$worker\\n\"; sleep 1 while 1";
        try (var log = new InstanceLog("forked", folder.resolve("log"))) {
            var launch = new Launch(
                    List.of("setsid", "perl", "-Mthreads", "-e", script),
                    Map.of("PATH", "/usr/bin:/bin"),
                    true,
                    false,
                    Signal.INT);
            var process = EngineProcess.start(launch, log);
            await().until(() -> log.last(1).size() == 1);
            var worker = Path.of("/proc", log.last(1).getFirst());
            await().until(() -> Files.readString(worker.resolve("stat")).contains(") Z "));
            assertThat(threads(worker)).isEqualTo(2);
            assertThat(process.stop()).isTrue();
            assertThat(threads(worker)).isLessThanOrEqualTo(1);
        }
    }

    private static int threads(Path process) {
        var tasks = process.resolve("task").toFile().list();
        return tasks == null ? 0 : tasks.length;
    }
}
