package bestfit.http;

import io.netty.channel.EventLoop;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets what arrives gather: where rounds of reads follow each other closely, the loop sleeps for a moment after each, so that one
 * wake-up serves many sockets. The kernel has stamped what arrives meanwhile ({@link StampedReads}), so nothing looks later for
 * it; only what is sent in answer goes out later. Confined to its loop.
 */
final class Gathering implements Runnable {
    private final EventLoop loop;
    private long restNanos;
    private long lastRoundNanos;
    private boolean due;
    private boolean answerEnded;
    private long rests;

    Gathering(EventLoop loop) {
        this.loop = loop;
    }

    /** @param nanos to rest after a round; 0 for not at all */
    void rest(long nanos) {
        restNanos = nanos;
    }

    /** How often it slept so far; to be asked when nothing is read. */
    long rests() {
        return rests;
    }

    /** To be called after each read. */
    void afterRead() {
        if (restNanos > 0 && !due) {
            due = true;
            loop.execute(this); // after the round
        }
    }

    /** What follows an answer goes out singly, as it would without rests: a server would have to queue a bunch of requests. */
    void answerEnded() {
        answerEnded = true;
    }

    @Override
    public void run() {
        due = false;
        if (!answerEnded && System.nanoTime() - lastRoundNanos < 2 * restNanos) {
            rests++;
            LockSupport.parkNanos(restNanos);
        }
        answerEnded = false;
        lastRoundNanos = System.nanoTime();
    }
}
