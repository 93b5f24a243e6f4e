package bestfit.engine;

/**
 * Keys and values of one layer on one device, in blocks. In a block the keys of a head lie dimension by dimension (a
 * vector load brings neighbouring positions), its values position by position. Used by the device's thread alone.
 */
final class KvCache {
    final float[] keys;
    final float[] values;
    final int kvHeads;
    final int headDim;
    final int blockSize;
    /** Numbers from one dimension of a key to the next. */
    final int keyStride;
    /** Numbers from one position of a value to the next. */
    final int valueStride;

    KvCache(int blocks, int blockSize, int kvHeads, int headDim, int lanes) {
        this.kvHeads = kvHeads;
        this.headDim = headDim;
        this.blockSize = blockSize;
        this.keyStride = Math.ceilDiv(blockSize, lanes) * lanes;
        this.valueStride = Math.ceilDiv(headDim, 2 * lanes) * 2 * lanes;
        this.keys = new float[Math.toIntExact((long) blocks * kvHeads * headDim * keyStride)];
        this.values = new float[Math.toIntExact((long) blocks * kvHeads * blockSize * valueStride)];
    }

    /** Index of dimension 0, first position. */
    int keyBase(int block, int head) {
        return (block * kvHeads + head) * headDim * keyStride;
    }

    /** Index of the first position, dimension 0. */
    int valueBase(int block, int head) {
        return (block * kvHeads + head) * blockSize * valueStride;
    }

    /** Stores one position's key and value of all heads, found at two offsets of a row. */
    void store(int[] blocks, int position, float[] row, int keyOffset, int valueOffset) {
        int block = blocks[position / blockSize];
        int slot = position % blockSize;
        for (int head = 0; head < kvHeads; head++) {
            int key = keyBase(block, head) + slot;
            int from = keyOffset + head * headDim;
            for (int d = 0; d < headDim; d++) {
                keys[key + d * keyStride] = row[from + d];
            }
            int value = valueBase(block, head) + slot * valueStride;
            System.arraycopy(row, valueOffset + head * headDim, values, value, headDim);
        }
    }
}
