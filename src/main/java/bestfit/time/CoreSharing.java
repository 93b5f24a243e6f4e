package bestfit.time;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How threads of this process share a core on Linux. A thread that waits for events should run when one comes, though one of
 * the JVM's compilers is in the middle of its turn: with the kernel's defaults it waits until that turn is over, 3 to 4 ms,
 * and what it stamps or sends is late by as much. Needs no privilege; does nothing on other systems. Thread-safe.
 */
public final class CoreSharing {
    /** Linux's default is 2.8 ms on a few cores, 0.1 ms the least it takes. */
    private static final long SHORT_TURN_NANOS = 100_000;

    /** Nice value of the fast compiler: a tenth of a contended core, for without it code is interpreted. */
    private static final int COMPILER_NICE = 10;

    /** Of {@code struct sched_attr}, version 0: linux/sched/types.h. */
    private static final int ATTR_BYTES = 48;

    private static final long ATTR_POLICY = 4;
    private static final long ATTR_RUNTIME = 24;
    private static final int SCHED_OTHER = 0;
    private static final int SCHED_IDLE = 5;

    private CoreSharing() {}

    /**
     * The calling thread asks for short turns, and so gets them early: from Linux 6.12 on the scheduler (EEVDF) takes the core
     * from a thread with longer ones. Its share of the core stays what it was.
     */
    public static void shortTurns() {
        var calls = Native.CALLS;
        if (calls == null) {
            return;
        }
        try (var arena = Arena.ofConfined()) {
            var attr = arena.allocate(ATTR_BYTES, 8);
            if (calls.getAttr(attr) && attr.get(ValueLayout.JAVA_INT, ATTR_POLICY) == SCHED_OTHER) {
                attr.set(ValueLayout.JAVA_LONG, ATTR_RUNTIME, SHORT_TURN_NANOS);
                calls.setAttr(attr);
            }
        }
    }

    /**
     * The JVM's compilers give way to all other threads from now on: for a process whose code is warm. The optimizing one, which
     * keeps a core for long and only makes fast code faster, runs where nothing else wants to: any thread that wakes
     * takes the core from it, on older kernels too.
     */
    public static void compilersGiveWay() {
        var calls = Native.CALLS;
        if (calls == null) {
            return;
        }
        try (var threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (var thread : threads) {
                // "C1 CompilerThread0", cut short; one that is started later inherits from the one that starts it
                var name = Files.readString(thread.resolve("comm"));
                int id = Integer.parseInt(thread.getFileName().toString());
                if (name.startsWith("C1 Compiler")) {
                    calls.setNice(id, COMPILER_NICE);
                } else if (name.startsWith("C2 Compiler")) {
                    calls.setIdle(id);
                }
            }
        } catch (IOException | DirectoryIteratorException ended) {
            // a thread that has ended needs nothing
        }
    }

    /** The system calls, looked up when first used. */
    private record Native(MethodHandle syscall, MethodHandle setpriority, long getAttrNumber, long setAttrNumber) {
        static final @Nullable Native CALLS = find();

        private static @Nullable Native find() {
            if (!System.getProperty("os.name").equals("Linux")) {
                return null;
            }
            return switch (System.getProperty("os.arch")) {
                case "amd64" -> of(315, 314);
                case "aarch64" -> of(275, 274);
                default -> null;
            };
        }

        private static Native of(long getAttrNumber, long setAttrNumber) {
            var linker = Linker.nativeLinker();
            var library = linker.defaultLookup();
            return new Native(
                    linker.downcallHandle(
                            library.findOrThrow("syscall"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG),
                            Linker.Option.firstVariadicArg(1)),
                    linker.downcallHandle(
                            library.findOrThrow("setpriority"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT)),
                    getAttrNumber,
                    setAttrNumber);
        }

        /** Of the calling thread. */
        boolean getAttr(MemorySegment attr) {
            return call(getAttrNumber, 0, attr, ATTR_BYTES);
        }

        boolean setAttr(MemorySegment attr) {
            return call(setAttrNumber, 0, attr, 0);
        }

        void setIdle(int thread) {
            try (var arena = Arena.ofConfined()) {
                var attr = arena.allocate(ATTR_BYTES, 8);
                attr.set(ValueLayout.JAVA_INT, 0, ATTR_BYTES);
                attr.set(ValueLayout.JAVA_INT, ATTR_POLICY, SCHED_IDLE);
                call(setAttrNumber, thread, attr, 0);
            }
        }

        private boolean call(long number, int thread, MemorySegment attr, long third) {
            try {
                return (long) syscall.invokeExact(number, (long) thread, attr, third, 0L) == 0;
            } catch (Throwable impossible) {
                throw new IllegalStateException("syscall could not be called", impossible);
            }
        }

        /** Refused where it would be a rise. */
        void setNice(int thread, int nice) {
            try {
                int ignored = (int) setpriority.invokeExact(0, thread, nice);
            } catch (Throwable impossible) {
                throw new IllegalStateException("setpriority could not be called", impossible);
            }
        }
    }
}
