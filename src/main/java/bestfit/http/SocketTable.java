package bestfit.http;

import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Room in the kernel's table of this process's open files. Linux doubles it when it is full, and in a program of many threads each
 * growth waits 10 to 15 ms until no other thread looks at the old one ({@code expand_fdtable} in {@code fs/file.c}), in the midst of
 * an accept or connect. So it is made large before there are streams to wait.
 */
final class SocketTable {
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int[] SIZES = {16_384, 4_096, 1_024};

    private SocketTable() {}

    /** Tries sizes downwards, since the system may allow fewer open files. Waits for the growth. */
    static void makeRoom() {
        MethodHandle fcntl = Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("fcntl"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        try {
            for (int size : SIZES) {
                int last = (int) fcntl.invokeExact(0, F_DUPFD_CLOEXEC, size - 1);
                if (last >= 0) {
                    new FileDescriptor(last).close();
                    return;
                }
            }
        } catch (IOException closed) {
            // it was only to be had for a moment
        } catch (Throwable impossible) {
            throw new IllegalStateException("fcntl could not be called", impossible);
        }
    }
}
