package bestfit.time;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The JVM's compilers beside threads that wait for events, on Linux. Whoever shares a core with a compiler gets it back at
 * the kernel's next tick, up to 4 ms later, and what it then stamps or sends is late by as much. Thread-safe.
 */
public final class CompilerThreads {
    /** A tenth of a contended core: without the fast compiler code is interpreted. */
    private static final int FAST_NICE = 10;

    /** Linux's SCHED_IDLE: whatever wakes takes the core at once. */
    private static final int SCHED_IDLE = 5;

    private static final int PRIO_PROCESS = 0;

    private CompilerThreads() {}

    /**
     * From now on they give way to all other threads: for a process whose code is warm. The optimizing compiler, which keeps
     * a core for long and only makes fast code faster, runs where nothing else wants to. Needs no privilege; does nothing on
     * other systems.
     */
    public static void giveWay() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return;
        }
        try (var threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (var thread : threads) {
                // "C1 CompilerThread0", cut short; one that is started later inherits from the one that starts it
                var name = Files.readString(thread.resolve("comm"));
                int id = Integer.parseInt(thread.getFileName().toString());
                if (name.startsWith("C1 Compiler")) {
                    Native.setNice(id);
                } else if (name.startsWith("C2 Compiler")) {
                    Native.setIdle(id);
                }
            }
        } catch (IOException | DirectoryIteratorException ended) {
            // a thread that has ended needs nothing
        }
    }

    /** The C library's calls, looked up when first used. One that the system refuses changes nothing. */
    private static final class Native {
        private static final MethodHandle SET_PRIORITY = find("setpriority", ValueLayout.JAVA_INT);
        private static final MethodHandle SET_SCHEDULER = find("sched_setscheduler", ValueLayout.ADDRESS);

        private static MethodHandle find(String name, MemoryLayout last) {
            var linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().findOrThrow(name),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, last));
        }

        static void setNice(int thread) {
            try {
                int _ = (int) SET_PRIORITY.invokeExact(PRIO_PROCESS, thread, FAST_NICE);
            } catch (Throwable impossible) {
                throw new IllegalStateException("setpriority could not be called", impossible);
            }
        }

        static void setIdle(int thread) {
            try (var arena = Arena.ofConfined()) {
                var priority = arena.allocateFrom(ValueLayout.JAVA_INT, 0); // struct sched_param
                int _ = (int) SET_SCHEDULER.invokeExact(thread, SCHED_IDLE, priority);
            } catch (Throwable impossible) {
                throw new IllegalStateException("sched_setscheduler could not be called", impossible);
            }
        }
    }
}
