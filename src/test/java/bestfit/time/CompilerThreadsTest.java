package bestfit.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** As Linux tells it in {@code /proc}. */
@EnabledOnOs(OS.LINUX)
class CompilerThreadsTest {
    @Test
    void compilersGiveWay_andNobodyElse() throws IOException {
        var own = niceAndPolicy(Path.of("/proc/thread-self"));
        Assumptions.assumeTrue(own.equals("0 0"), "the tests themselves run with another nice value or policy: " + own);
        CompilerThreads.giveWay();
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
}
