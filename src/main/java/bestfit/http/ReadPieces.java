package bestfit.http;

import io.netty.channel.EventLoop;

/**
 * What one round of an event loop reads, handed on when the round is over or many pieces wait. One system call follows another
 * then and one look at an event another, so that neither drives the other's code out of the processor's cache; and what the
 * streams' looks will need is fetched for all of them at once ({@link StreamClient.Listener#near}). The kernel has stamped each
 * piece ({@link StampedReads}), so nothing looks later for it. Confined to its loop.
 */
final class ReadPieces implements Runnable {
    /** An answer that ends waits for so many reads, a sixth of a millisecond, before its user sends the next request. */
    private static final int MOST = 32;

    private final EventLoop loop;
    private final EpollStream[] waiting = new EpollStream[MOST];
    private int count;
    private boolean due;
    private int looked;

    ReadPieces(EventLoop loop) {
        this.loop = loop;
    }

    /**
     * Takes up a stream that has read a piece; it must have no other here.
     *
     * @param room for another piece
     */
    void add(EpollStream by, boolean room) {
        waiting[count++] = by;
        if (!due) {
            due = true;
            loop.execute(this);
        }
        if (!room || count == MOST) {
            handOn();
        }
    }

    /** The round is over. */
    @Override
    public void run() {
        due = false;
        handOn();
    }

    void handOn() {
        if (count == 0) {
            return;
        }
        int handed = count;
        count = 0;
        StampedReads.ofThisLoop().take();
        for (int i = 0; i < handed; i++) {
            looked += waiting[i].near(); // kept, so that no compiler leaves the looks out
        }
        for (int i = 0; i < handed; i++) {
            waiting[i].handOn();
        }
    }
}
