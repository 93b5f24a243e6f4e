package bestfit.load;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Tells a run to end early: first softly, then at once. Thread-safe. */
public final class StopSignal {
    private final CountDownLatch cut = new CountDownLatch(1);
    private volatile boolean stopped;

    /** No further request is sent; those under way end. */
    public void stop() {
        stopped = true;
    }

    /** Requests under way are cut too and leave no measurement. */
    public void cut() {
        stopped = true;
        cut.countDown();
    }

    public boolean isStopped() {
        return stopped;
    }

    public boolean isCut() {
        return cut.getCount() == 0;
    }

    /** @return true once {@link #cut} was called, false when so much time passed without */
    boolean awaitCut(long nanos) throws InterruptedException {
        return cut.await(nanos, TimeUnit.NANOSECONDS);
    }
}
