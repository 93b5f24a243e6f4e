package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine is told before it is killed. */
@Tag("slow")
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
}
