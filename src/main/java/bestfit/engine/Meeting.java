package bestfit.engine;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A barrier for threads that work in step: spins for some microseconds, then parks, since devices may outnumber cores.
 * What a thread wrote before is seen by all after.
 */
final class Meeting {
    private static final String FAILED = "another device of the stage failed";

    private final int parties;
    private final int spins;
    private final AtomicInteger arrived = new AtomicInteger();
    private volatile int round;
    private volatile boolean broken;

    Meeting(int parties, int spins) {
        this.parties = parties;
        this.spins = spins;
    }

    /** @throws IllegalStateException if a party failed */
    void await() throws InterruptedException {
        if (parties == 1) {
            return;
        }
        int mine = round;
        if (broken) {
            throw new IllegalStateException(FAILED);
        }
        if (arrived.incrementAndGet() == parties) {
            arrived.set(0);
            open(mine + 1);
            return;
        }
        for (int i = 0; i < spins && round == mine; i++) {
            Thread.onSpinWait();
        }
        if (round == mine) {
            park(mine);
        }
        if (broken) {
            throw new IllegalStateException(FAILED);
        }
    }

    private synchronized void open(int next) {
        round = next;
        notifyAll();
    }

    private synchronized void park(int mine) throws InterruptedException {
        while (round == mine) {
            wait();
        }
    }

    /** Lets all waiting parties go, with an error; the meeting is of no use afterwards. */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // guarded by this
    synchronized void breakUp() {
        broken = true;
        round++;
        notifyAll();
    }
}
