package bestfit.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * What Prometheus' clients tell of their process, where the system tells it (Linux). Read as they do, from {@code /proc}: the
 * JVM's own beans take tens of milliseconds when they are first asked, from streams that wait.
 */
final class ProcessMetrics {
    private static final Path SELF = Path.of("/proc/self");
    private static final double PAGE_BYTES = 4096;

    /** What {@code /proc} counts CPU time in, on every machine that Linux runs Java on. */
    private static final double TICKS_A_SECOND = 100;

    private static final Pattern OPEN_FILES = Pattern.compile("Max open files +(\\d+)");

    private ProcessMetrics() {}

    static void write(MetricsText text, double startedUnixSeconds) {
        try {
            var pages = Files.readString(SELF.resolve("statm")).split(" ", -1);
            gauge(text, "process_virtual_memory_bytes", "Virtual memory size in bytes.", pages(pages[0]));
            gauge(text, "process_resident_memory_bytes", "Resident memory size in bytes.", pages(pages[1]));
            gauge(
                    text,
                    "process_start_time_seconds",
                    "Start time of the process since unix epoch in seconds.",
                    startedUnixSeconds);
            text.single(
                    "process_cpu_seconds_total",
                    "counter",
                    "Total user and system CPU time spent in seconds.",
                    cpuSeconds());
            gauge(text, "process_open_fds", "Number of open file descriptors.", openFiles());
            var limit = OPEN_FILES.matcher(Files.readString(SELF.resolve("limits")));
            if (limit.find()) {
                gauge(
                        text,
                        "process_max_fds",
                        "Maximum number of open file descriptors.",
                        Double.parseDouble(limit.group(1)));
            }
        } catch (IOException noLinux) {
            // Not told then.
        }
    }

    private static double pages(String count) {
        return Long.parseLong(count) * PAGE_BYTES;
    }

    /** proc_pid_stat(5): utime and stime, the 14th and 15th fields; the second, in brackets, may hold anything. */
    private static double cpuSeconds() throws IOException {
        var stat = Files.readString(SELF.resolve("stat"));
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_A_SECOND;
    }

    /** Kernels from 6.2 on tell the number as the folder's size, which spares reading a name for each of thousands. */
    private static double openFiles() throws IOException {
        var folder = SELF.resolve("fd");
        long told = Files.size(folder);
        if (told > 0) {
            return told;
        }
        try (var all = Files.list(folder)) {
            return all.count();
        }
    }

    private static void gauge(MetricsText text, String name, String help, double value) {
        text.single(name, "gauge", help, value);
    }
}
