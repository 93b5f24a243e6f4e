package bestfit.metrics;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * When each event with text arrived, in nanoseconds after the request's start, ascending, and with how many tokens, where the
 * server tells. Immutable.
 */
public final class ChunkTimes {
    public static final ChunkTimes NONE = new ChunkTimes(new long[0], new int[0]);

    private final long[] offsets;
    private final int[] tokens;

    private ChunkTimes(long[] offsets, int[] tokens) {
        this.offsets = offsets;
        this.tokens = tokens;
    }

    /** Copies the first {@code count} offsets. */
    public static ChunkTimes of(long[] offsetNanos, int count) {
        return count == 0 ? NONE : new ChunkTimes(Arrays.copyOf(offsetNanos, count), new int[0]);
    }

    /** The same with the tokens of each event; an empty array where the server does not tell. */
    public ChunkTimes withTokens(int[] ofEach) {
        return new ChunkTimes(offsets, Arrays.copyOf(ofEach, Math.min(ofEach.length, offsets.length)));
    }

    /** Tokens of each event; empty where the server does not tell. */
    public int[] tokens() {
        return tokens.clone();
    }

    public boolean tellsTokens() {
        return tokens.length == offsets.length && tokens.length > 0;
    }

    public int tokens(int chunk) {
        return tokens[chunk];
    }

    public int count() {
        return offsets.length;
    }

    public long offsetNanos(int chunk) {
        return offsets[chunk];
    }

    /** For storage: the gaps from one time to the next as variable-length integers, 7 bits a byte, low bits first. */
    public byte[] toBytes() {
        var out = ByteBuffer.allocate(offsets.length * 10);
        long before = 0;
        for (long offset : offsets) {
            long gap = offset - before;
            before = offset;
            while ((gap & ~0x7FL) != 0) {
                out.put((byte) ((gap & 0x7F) | 0x80));
                gap >>>= 7;
            }
            out.put((byte) gap);
        }
        return Arrays.copyOf(out.array(), out.position());
    }

    /** Reads what {@link #toBytes} wrote. */
    public static ChunkTimes fromBytes(byte[] bytes) {
        var offsets = new long[bytes.length];
        int count = 0;
        long at = 0;
        long gap = 0;
        int shift = 0;
        for (byte next : bytes) {
            gap |= (next & 0x7FL) << shift;
            shift += 7;
            if (next >= 0) {
                at += gap;
                offsets[count++] = at;
                gap = 0;
                shift = 0;
            }
        }
        return of(offsets, count);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChunkTimes that
                && Arrays.equals(offsets, that.offsets)
                && Arrays.equals(tokens, that.tokens);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(offsets);
    }

    @Override
    public String toString() {
        return offsets.length + " chunks";
    }
}
