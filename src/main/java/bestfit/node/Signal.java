package bestfit.node;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** POSIX signals; Java itself can send only two, and only to single processes. */
enum Signal {
    INT(2),
    KILL(9),
    TERM(15);

    private final int number;

    Signal(int number) {
        this.number = number;
    }

    /** What a shell and Java give as exit code of a process that this signal ended. */
    int exitCode() {
        return 128 + number;
    }

    /** Loads the C library's {@code kill} when first used. */
    private static final class Native {
        static final MethodHandle KILL = Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("kill"),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    }

    /** Sends to one process; false if it is gone. */
    boolean toProcess(long pid) {
        return send(pid);
    }

    /** Sends to every process of a group; false if none is left. */
    boolean toGroup(long leader) {
        return send(-leader);
    }

    private boolean send(long target) {
        // 0, 1 and -1 are the caller's group, init and everyone.
        if (Math.abs(target) <= 1) {
            throw new IllegalArgumentException("no process to signal: " + target);
        }
        try {
            return (int) Native.KILL.invokeExact((int) target, number) == 0;
        } catch (Throwable impossible) {
            throw new IllegalStateException("kill could not be called", impossible);
        }
    }
}
