package bestfit.model;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Byte-pair encoding of one piece of text: the pair of lowest rank is merged first, until none is left. Thread-safe. */
final class BytePairs {
    private static final int CACHED_PIECES = 20_000;
    private static final int CACHED_LENGTH = 32;

    private final int[] idOfByte;
    private final Map<Long, Long> merges;
    private final Map<String, int[]> cache = new ConcurrentHashMap<>();

    /**
     * @param idOfByte id of each single byte
     * @param merges {@link #key} of two ids to {@link #key} of the merge's rank and the new id
     */
    BytePairs(int[] idOfByte, Map<Long, Long> merges) {
        this.idOfByte = idOfByte;
        this.merges = merges;
    }

    static long key(int high, int low) {
        return (long) high << 32 | low;
    }

    void encode(String piece, Tokenizer.IntList ids) {
        if (piece.length() > CACHED_LENGTH) {
            ids.addAll(merge(piece));
            return;
        }
        var known = cache.get(piece);
        if (known == null) {
            known = merge(piece);
            if (cache.size() < CACHED_PIECES) {
                cache.put(piece, known);
            }
        }
        ids.addAll(known);
    }

    private int[] merge(String piece) {
        var bytes = piece.getBytes(StandardCharsets.UTF_8);
        var ids = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            ids[i] = idOfByte[bytes[i] & 0xff];
        }
        int size = ids.length;
        while (size > 1) {
            int at = -1;
            long best = Long.MAX_VALUE;
            for (int i = 0; i + 1 < size; i++) {
                var merge = merges.get(key(ids[i], ids[i + 1]));
                if (merge != null && merge >>> 32 < best >>> 32) {
                    best = merge;
                    at = i;
                }
            }
            if (at < 0) {
                break;
            }
            ids[at] = (int) best;
            System.arraycopy(ids, at + 2, ids, at + 1, size - at - 2);
            size--;
        }
        return Arrays.copyOf(ids, size);
    }
}
