package bestfit.load;

import java.util.Arrays;

/** Data of an event that came in several lines, put together as WHATWG's specification of server-sent events says. */
final class SplitData {
    /** Nothing; all streams may share it. */
    static final SplitData NONE = new SplitData();

    private byte[] bytes = new byte[0];
    private int length;

    boolean isEmpty() {
        return length == 0;
    }

    int length() {
        return length;
    }

    /** This, or new, and a line's data; a line feed joins it to the next. */
    @SuppressWarnings("ReferenceEquality") // the shared one is known by what it is, not what it holds
    SplitData with(byte[] in, int from, int to) {
        var all = this == NONE ? new SplitData() : this;
        all.add(in, from, to);
        return all;
    }

    private void add(byte[] in, int from, int to) {
        int needed = length + to - from + 1;
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, 2 * bytes.length));
        }
        System.arraycopy(in, from, bytes, length, to - from);
        bytes[needed - 1] = '\n';
        length = needed;
    }

    /** What was added, up to {@link #length}; from here on it is empty. */
    byte[] take() {
        length = 0;
        return bytes;
    }

    /** Whether an object that begins at {@code from} ends at {@code to}, or at least has no bracket open there. */
    static boolean isWhole(byte[] in, int from, int to) {
        int open = 0;
        for (int at = from; at < to; at++) {
            switch (in[at]) {
                case '{', '[' -> open++;
                case '}', ']' -> open--;
                case '"' -> at = EventKeys.stringEnd(in, at + 1, to);
                default -> {}
            }
        }
        return open <= 0;
    }
}
