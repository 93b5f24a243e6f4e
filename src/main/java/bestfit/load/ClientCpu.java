package bestfit.load;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * What this process has used so far, from Linux's {@code /proc/self}.
 *
 * @param cpuNanos processor time of all its threads
 * @param waitNanos time its event loops were ready to run and had no core yet; NaN where the system does not tell
 * @param wakes how often its event loops were given a core
 * @param gcMillis all threads stood still for the garbage collector
 */
record ClientCpu(long nanos, double cpuNanos, double waitNanos, double wakes, double gcMillis) {
    private static final Path TASKS = Path.of("/proc/self/task");

    /** Prefix of the names of {@code http.StreamClient}'s threads. */
    private static final String LOOP_THREAD = "bestfit-stream";

    static ClientCpu now(long nanos) {
        double wait = 0;
        double cpu = 0;
        double wakes = 0;
        try (var tasks = Files.newDirectoryStream(TASKS)) {
            for (var task : tasks) {
                try {
                    // schedstat: time on a core, time waiting for one (both ns), time slices
                    var stat =
                            Files.readString(task.resolve("schedstat")).strip().split(" ", -1);
                    cpu += Long.parseLong(stat[0]);
                    if (Files.readString(task.resolve("comm")).startsWith(LOOP_THREAD)) {
                        wait += Long.parseLong(stat[1]);
                        wakes += Long.parseLong(stat[2]);
                    }
                } catch (NoSuchFileException threadEnded) {
                    // what it used is no longer told
                }
            }
        } catch (IOException | DirectoryIteratorException notLinux) {
            return new ClientCpu(nanos, Double.NaN, Double.NaN, Double.NaN, collectionMillis());
        }
        return new ClientCpu(nanos, cpu, wait, wakes, collectionMillis());
    }

    private static double collectionMillis() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToDouble(each -> Math.max(0, each.getCollectionTime()))
                .sum();
    }
}
