package bestfit.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** As Linux tells it in {@code /proc}. */
@EnabledOnOs(OS.LINUX)
class CoreSharingTest {
    @Test
    void compilersGiveWay_andNobodyElse() throws IOException {
        var own = niceAndPolicy(Path.of("/proc/thread-self"));
        Assumptions.assumeTrue(own.equals("0 0"), "the tests themselves run with another nice value or policy: " + own);
        CoreSharing.compilersGiveWay();
        Map<String, Set<String>> seen = new HashMap<>();
        try (var threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (var thread : threads) {
                var stat = Files.readString(thread.resolve("stat"));
                var who = stat.contains("(C1 Compiler") ? "C1" : stat.contains("(C2 Compiler") ? "C2" : "others";
                seen.computeIfAbsent(who, _ -> new HashSet<>()).add(niceAndPolicy(thread));
            }
        }
        assertThat(seen).containsEntry("C1", Set.of("10 0")).containsEntry("others", Set.of(own));
        assertThat(seen.get("C2")).as("SCHED_IDLE is 5").isEqualTo(Set.of("0 5"));
    }

    /** The 19th and 41st fields; the name before them may hold spaces. */
    private static String niceAndPolicy(Path thread) throws IOException {
        var stat = Files.readString(thread.resolve("stat"));
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return fields[16] + " " + fields[38];
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
