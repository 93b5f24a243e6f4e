package bestfit.load;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * What this process has used so far, from Linux's {@code /proc/self}.
 *
 * @param threads that live now
 * @param cpuNanos processor time of these
 * @param processNanos of the process, ended threads too, in whole hundredths of a second
 * @param waitNanos time its event loops were ready to run and had no core yet; NaN where the system does not tell
 * @param wakes how often its event loops were given a core
 * @param gcMillis all threads stood still for the garbage collector
 */
record ClientCpu(
        long nanos,
        Set<String> threads,
        double cpuNanos,
        double processNanos,
        double waitNanos,
        double wakes,
        double gcMillis) {
    ClientCpu {
        threads = Set.copyOf(threads);
    }

    private static final double TICK_NANOS = 1e7;
    private static final Path STAT = Path.of("/proc/self/stat");
    private static final Path TASKS = Path.of("/proc/self/task");

    /** Prefix of the names of {@code http.StreamClient}'s threads. */
    private static final String LOOP_THREAD = "bestfit-stream";

    static ClientCpu now(long nanos) {
        double wait = 0;
        double cpu = 0;
        double wakes = 0;
        double process;
        var threads = new HashSet<String>();
        try (var tasks = Files.newDirectoryStream(TASKS)) {
            process = usedByProcess();
            for (var task : tasks) {
                try {
                    // schedstat: time on a core, time waiting for one (both ns), time slices
                    var stat =
                            Files.readString(task.resolve("schedstat")).strip().split(" ", -1);
                    cpu += Long.parseLong(stat[0]);
                    threads.add(task.getFileName().toString());
                    if (Files.readString(task.resolve("comm")).startsWith(LOOP_THREAD)) {
                        wait += Long.parseLong(stat[1]);
                        wakes += Long.parseLong(stat[2]);
                    }
                } catch (NoSuchFileException threadEnded) {
                    // what it used is no longer told
                }
            }
        } catch (IOException | DirectoryIteratorException notLinux) {
            return new ClientCpu(nanos, threads, Double.NaN, Double.NaN, Double.NaN, Double.NaN, collectionMillis());
        }
        return new ClientCpu(nanos, threads, cpu, process, wait, wakes, collectionMillis());
    }

    /** Fields 14 and 15: ticks in user and in system mode. */
    private static double usedByProcess() throws IOException {
        var stat = Files.readString(STAT);
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return TICK_NANOS * (Long.parseLong(fields[11]) + Long.parseLong(fields[12]));
    }

    /**
     * Processor time since {@code before}: to the nanosecond, unless a thread ended meanwhile (the JVM ends compiler threads
     * that have nothing to do) and took along what it had used.
     */
    double cpuNanosSince(ClientCpu before) {
        return threads.containsAll(before.threads) ? cpuNanos - before.cpuNanos : processNanos - before.processNanos;
    }

    private static double collectionMillis() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToDouble(each -> Math.max(0, each.getCollectionTime()))
                .sum();
    }
}
