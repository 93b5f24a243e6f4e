package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.Socket;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.time.Instant;

/**
 * Reads sockets and tells when the kernel took the bytes from the network ({@code SO_TIMESTAMPNS}, Linux {@code socket(7)}), so
 * that a reader that is busy, collects garbage or waits for a core makes nothing look late. The kernel stamps what comes last of
 * what one read returns, by the wall clock; it is told by {@link System#nanoTime}, with a difference of the clocks that is never
 * older than {@link #CLOCKS_AGREE_NANOS}. One object for each event loop, confined to it. Where the kernel gives no stamps, the
 * time of the read counts.
 */
final class StampedReads {
    private static final FastThreadLocal<StampedReads> OF_LOOP = new FastThreadLocal<>() {
        @Override
        protected StampedReads initialValue() {
            return new StampedReads();
        }
    };

    /** The wall clock is slewed by at most 0.05 %: 5 µs in this time. A step of it is believed for no longer. */
    private static final long CLOCKS_AGREE_NANOS = 10_000_000;

    /** The most that one read returns. */
    static final int MOST_BYTES = 64 << 10;

    /** Pieces are kept as long as they are small together, which stays in the processor's cache. */
    private static final int MOST_KEPT_BYTES = 16 << 10;

    private static final int MEMORY_BYTES = MOST_KEPT_BYTES + MOST_BYTES;

    private static final int EAGAIN = 11;
    private static final int SOL_SOCKET = 1;
    private static final int SO_TIMESTAMPNS = 35;

    // struct msghdr, then struct iovec, then the control message: cmsghdr and timespec, of a 64-bit Linux
    private static final int IOV = 16;
    private static final int IOV_COUNT = 24;
    private static final int CONTROL = 32;
    private static final int CONTROL_LENGTH = 40;
    private static final int IOVEC = 56;
    private static final int MESSAGE = 72;
    private static final int MESSAGE_BYTES = 64;
    private static final int STAMP_BYTES = 32;
    private static final int STAMP_KIND = MESSAGE + 8;
    private static final int SECONDS = MESSAGE + 16;
    private static final int NANOS = MESSAGE + 24;
    private static final long STAMP = (long) SO_TIMESTAMPNS << 32 | SOL_SOCKET;

    /** Of the C library; linked at the first read, which takes a while. */
    private static final class Native {
        static final MethodHandle RECVMSG = Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("recvmsg"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_LONG,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG,
                                ValueLayout.JAVA_INT),
                        Linker.Option.captureCallState("errno"),
                        Linker.Option.critical(false)); // it never waits: the sockets do not block
    }

    private final MemorySegment errno = Arena.global().allocate(Linker.Option.captureStateLayout());
    private final ByteBuf call = Unpooled.directBuffer(MESSAGE + MESSAGE_BYTES).setZero(0, MESSAGE + MESSAGE_BYTES);
    private final long callAddress = call.memoryAddress();
    private final ByteBuf bytes = Unpooled.directBuffer(MEMORY_BYTES, MEMORY_BYTES);
    private final long bytesAddress = bytes.memoryAddress();
    private final byte[] taken = new byte[MEMORY_BYTES];
    private int kept;
    private long arrivalNanos;
    private boolean stamped;
    private long wallAheadNanos;
    private long clocksComparedNanos;
    private long seenNanos;

    private StampedReads() {
        call.setLongLE(IOV, callAddress + IOVEC);
        call.setLongLE(IOV_COUNT, 1);
        call.setLongLE(CONTROL, callAddress + MESSAGE);
        call.setLongLE(IOVEC + 8, MOST_BYTES);
        seenNanos = System.nanoTime();
        clocksComparedNanos = seenNanos - CLOCKS_AGREE_NANOS;
    }

    static StampedReads ofThisLoop() {
        return OF_LOOP.get();
    }

    /** Asks for stamps, before the socket connects. */
    static void stamp(Socket socket) {
        try {
            socket.setIntOpt(SOL_SOCKET, SO_TIMESTAMPNS, 1);
        } catch (IOException none) {
            // each read tells that it has no stamp
        }
    }

    /**
     * Reads once, behind what is kept, without waiting.
     *
     * @return bytes read; 0 when there are none, -1 at the end of the stream
     */
    int read(int socket) throws IOException {
        call.setLongLE(CONTROL_LENGTH, MESSAGE_BYTES);
        call.setLongLE(IOVEC, bytesAddress + kept);
        long count;
        try {
            count = (long) Native.RECVMSG.invokeExact(errno, socket, callAddress, 0);
        } catch (Throwable impossible) {
            throw new IllegalStateException("recvmsg could not be called", impossible);
        }
        stamped = count > 0 && call.getLongLE(CONTROL_LENGTH) >= STAMP_BYTES && call.getLongLE(STAMP_KIND) == STAMP;
        arrivalNanos = stamped ? arrival(stampNanos()) : System.nanoTime();
        if (count < 0) {
            int error = errno.get(ValueLayout.JAVA_INT, 0);
            if (error != EAGAIN) {
                throw Errors.newIOException("recvmsg", -error);
            }
        }
        return count == 0 ? -1 : (int) Math.max(0, count);
    }

    /** How much is kept: the next read's first byte comes behind it. */
    int kept() {
        return kept;
    }

    /** Keeps the bytes that were read last for {@link #take}; false if nothing more may be read before. */
    boolean keep(int count) {
        kept += count;
        return kept <= MOST_KEPT_BYTES;
    }

    /** Moves all that is kept to {@link #taken}, where each byte has the place that it had here. */
    void take() {
        bytes.getBytes(0, taken, 0, kept);
        kept = 0;
    }

    /** What was {@linkplain #take taken} last; valid until the next time. */
    byte[] taken() {
        return taken;
    }

    /** When the last of what was read arrived, by {@link System#nanoTime}. */
    long arrivalNanos() {
        return arrivalNanos;
    }

    /** True when that is the kernel's word. */
    boolean stamped() {
        return stamped;
    }

    private long stampNanos() {
        return call.getLongLE(SECONDS) * 1_000_000_000 + call.getLongLE(NANOS);
    }

    /** By our own clock, and not after now: that clock is asked only where what it told last does not show it already. */
    private long arrival(long stampNanos) {
        long sinceSeenNanos = stampNanos - wallAheadNanos - seenNanos;
        if (sinceSeenNanos <= 0 && sinceSeenNanos > -CLOCKS_AGREE_NANOS) {
            return seenNanos + sinceSeenNanos;
        }
        seenNanos = System.nanoTime();
        if (seenNanos - clocksComparedNanos >= CLOCKS_AGREE_NANOS) {
            compareClocks();
        }
        return Math.min(seenNanos, stampNanos - wallAheadNanos);
    }

    /** The best of some looks: one during which this thread lost its core says little. */
    private void compareClocks() {
        long least = Long.MAX_VALUE;
        for (int look = 0; look < 3; look++) {
            long before = System.nanoTime();
            Instant wall = Instant.now();
            long took = System.nanoTime() - before;
            if (took < least) {
                least = took;
                wallAheadNanos = wall.getEpochSecond() * 1_000_000_000 + wall.getNano() - before - took / 2;
            }
        }
        clocksComparedNanos = System.nanoTime();
    }
}
