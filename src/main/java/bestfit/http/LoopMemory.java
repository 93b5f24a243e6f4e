package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.FastThreadLocal;

/** Memory that the system calls of one event loop's bare sockets share: nothing stays in it beyond a call. */
final class LoopMemory {
    static final int BYTES = 64 << 10;

    private static final FastThreadLocal<ByteBuf> READ = ofEachLoop();
    private static final FastThreadLocal<ByteBuf> WRITE = ofEachLoop();

    private LoopMemory() {}

    private static FastThreadLocal<ByteBuf> ofEachLoop() {
        return new FastThreadLocal<>() {
            @Override
            protected ByteBuf initialValue() {
                return Unpooled.directBuffer(BYTES, BYTES);
            }
        };
    }

    /** Where to read into; what was read must be taken before the next read. */
    static ByteBuf toRead() {
        return READ.get();
    }

    /** What to send is put together here; another than {@link #toRead}, for what is read may be sent on. */
    static ByteBuf toWrite() {
        return WRITE.get();
    }
}
