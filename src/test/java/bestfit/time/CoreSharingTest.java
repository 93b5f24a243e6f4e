package bestfit.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** As Linux tells it in {@code /proc}. */
@EnabledOnOs(OS.LINUX)
class CoreSharingTest {
    @Test
    void compilersGiveWay_makesThemNiceAndNobodyElse() throws IOException {
        CoreSharing.compilersGiveWay();
        List<Integer> compilers = new ArrayList<>();
        List<Integer> others = new ArrayList<>();
        try (var threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (var thread : threads) {
                var stat = Files.readString(thread.resolve("stat"));
                // the 19th field; the name before them may hold spaces
                int nice = Integer.parseInt(
                        stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16]);
                (stat.contains(" CompilerThre") ? compilers : others).add(nice);
            }
        }
        assertThat(compilers).isNotEmpty().containsOnly(10);
        assertThat(others).isNotEmpty().doesNotContain(10);
    }

    @Test
    void shortTurns_areTheThreadsOwn() throws Exception {
        var before = turnNanos();
        Assumptions.assumeTrue(
                before >= 0, "this kernel shows no turns: it is older than 6.12, or shows no thread's schedule");
        var asked = new CompletableFuture<Long>();
        var thread = Thread.ofPlatform().start(() -> {
            CoreSharing.shortTurns();
            asked.complete(turnNanos());
        });
        assertThat(asked.get()).isEqualTo(100_000);
        thread.join();
        assertThat(turnNanos()).isEqualTo(before);
    }

    /** Of the calling thread; -1 where it is not told. */
    private static long turnNanos() {
        try {
            return Files.readAllLines(Path.of("/proc/thread-self/sched")).stream()
                    .filter(line -> line.startsWith("se.slice"))
                    .mapToLong(line ->
                            Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
                    .findFirst()
                    .orElse(-1);
        } catch (IOException notShown) {
            return -1;
        }
    }
}
