package bestfit.engine;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Prometheus' clients tell of their process, where the system tells it (Linux). */
final class ProcessMetrics {
    private static final long PAGE_BYTES = 4096;

    private ProcessMetrics() {}

    static void write(MetricsText text, double startedUnixSeconds) {
        try {
            var pages = Files.readString(Path.of("/proc/self/statm")).split(" ", -1);
            gauge(text, "process_virtual_memory_bytes", "Virtual memory size in bytes.", pages(pages[0]));
            gauge(text, "process_resident_memory_bytes", "Resident memory size in bytes.", pages(pages[1]));
        } catch (IOException noLinux) {
            // Not told then.
        }
        gauge(
                text,
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                startedUnixSeconds);
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            text.single(
                    "process_cpu_seconds_total",
                    "counter",
                    "Total user and system CPU time spent in seconds.",
                    system.getProcessCpuTime() / 1e9);
            gauge(text, "process_open_fds", "Number of open file descriptors.", (double)
                    system.getOpenFileDescriptorCount());
            gauge(text, "process_max_fds", "Maximum number of open file descriptors.", (double)
                    system.getMaxFileDescriptorCount());
        }
    }

    private static double pages(String count) {
        return (double) Long.parseLong(count) * PAGE_BYTES;
    }

    private static void gauge(MetricsText text, String name, String help, double value) {
        text.single(name, "gauge", help, value);
    }
}
