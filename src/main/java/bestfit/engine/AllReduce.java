package bestfit.engine;

/**
 * Sums the partial results of a stage's devices. Each device writes its part into a buffer of its own, meets the others,
 * and adds all parts up itself, in rank order, so that every device holds the same numbers on every run. Buffers
 * alternate: nobody writes into one that a slower device may still read.
 */
final class AllReduce {
    private final float[][][] buffers;
    private final Meeting meeting;

    AllReduce(int parties, Meeting meeting) {
        this.buffers = new float[2][parties][0];
        this.meeting = meeting;
    }

    /** @param turn 0 and 1 in turn, the same for all devices */
    float[] buffer(int rank, int turn, int size) {
        if (buffers[turn][rank].length < size) {
            buffers[turn][rank] = new float[size + size / 4];
        }
        return buffers[turn][rank];
    }

    /** Adds the sum of all parts to {@code into}. */
    void addTo(float[] into, int turn, int size) throws InterruptedException {
        meeting.await();
        var parts = buffers[turn];
        for (var part : parts) {
            add(part, into, size);
        }
    }

    private static void add(float[] part, float[] into, int size) {
        for (int i = 0; i < size; i++) {
            into[i] += part[i];
        }
    }
}
