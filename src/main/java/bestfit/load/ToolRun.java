package bestfit.load;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A load generator run as a child process.
 *
 * @param exit code; -1 if it was ended because it took too long
 * @param cpuSeconds of it and of every child that it waited for, start included
 * @param peakMemoryBytes of it and its descendants (proportional set size), looked at five times a second
 * @param output file with its standard output
 */
public record ToolRun(int exit, double seconds, double cpuSeconds, long peakMemoryBytes, Path output) {
    private static final double TICKS_A_SECOND = 100;
    private static final int LOOK_MILLIS = 200;
    private static final long KIB = 1024;

    /**
     * Runs the command without a shell. One at a time: processor time is that of all children that end meanwhile.
     *
     * @param folder where its output goes, as out.txt and err.txt; it runs in the current one
     */
    public static ToolRun of(List<String> command, Path folder, Map<String, String> environment, Duration limit)
            throws IOException, InterruptedException {
        var output = folder.resolve("out.txt");
        var builder = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output.toFile())
                .redirectError(folder.resolve("err.txt").toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        double cpuBefore = childrenCpuSeconds();
        long start = System.nanoTime();
        var process = builder.start();
        var atExit = new Thread(() -> end(process), "bestfit-tool"); // Ctrl-C leaves no tool behind
        Runtime.getRuntime().addShutdownHook(atExit);
        long peak = 0;
        try {
            while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                peak = Math.max(peak, memoryBytes(process.toHandle()));
                if (System.nanoTime() - start > limit.toNanos()) {
                    end(process);
                    return new ToolRun(-1, seconds(start), childrenCpuSeconds() - cpuBefore, peak, output);
                }
            }
        } catch (InterruptedException cut) {
            end(process);
            throw cut;
        } finally {
            remove(atExit);
        }
        return new ToolRun(process.exitValue(), seconds(start), childrenCpuSeconds() - cpuBefore, peak, output);
    }

    private static void remove(Thread atExit) {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException goingDown) {
            // it runs
        }
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private static void end(Process process) {
        var all = Stream.concat(process.descendants(), Stream.of(process.toHandle()))
                .toList();
        all.forEach(ProcessHandle::destroyForcibly);
        process.onExit().join();
    }

    /** From Linux's /proc/self/stat: user and system time of children that were waited for. */
    private static double childrenCpuSeconds() throws IOException {
        var stat = Files.readString(Path.of("/proc/self/stat"));
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) / TICKS_A_SECOND;
    }

    private static long memoryBytes(ProcessHandle process) {
        return Stream.concat(process.descendants(), Stream.of(process))
                .mapToLong(one -> proportionalBytes(one.pid()))
                .sum();
    }

    private static long proportionalBytes(long pid) {
        try (var lines = Files.lines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
            return lines.filter(line -> line.startsWith("Pss:"))
                    .mapToLong(line -> KIB * Long.parseLong(line.replaceAll("\\D+", "")))
                    .findFirst()
                    .orElse(0);
        } catch (IOException | java.io.UncheckedIOException ended) {
            return 0;
        }
    }
}
