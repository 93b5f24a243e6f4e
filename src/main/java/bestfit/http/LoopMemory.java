package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.FastThreadLocal;

/** Memory that the system calls of one event loop's bare sockets share: nothing stays in it beyond a call. */
final class LoopMemory {
    static final int BYTES = 64 << 10;

    private static final FastThreadLocal<ByteBuf> READ = ofEachLoop();
    private static final FastThreadLocal<ByteBuf> WRITE = ofEachLoop();

    private static final FastThreadLocal<byte[]> PARSE = new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
            return new byte[BYTES];
        }
    };

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

    /** A copy of what can be read in {@code read}, from the array's beginning. */
    static byte[] toParse(ByteBuf read) {
        int count = read.readableBytes();
        byte[] bytes = count <= BYTES ? PARSE.get() : new byte[count];
        read.getBytes(read.readerIndex(), bytes, 0, count);
        return bytes;
    }

    /** What to send is put together here; another than {@link #toRead}, for what is read may be sent on. */
    static ByteBuf toWrite() {
        return WRITE.get();
    }
}
