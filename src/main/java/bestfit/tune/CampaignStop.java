package bestfit.tune;

import bestfit.load.StopSignal;

/**
 * Asks a campaign to end early: first politely, after the block that is being measured, then at once. What is under way
 * outside a block (a deployment, a warm-up) gives no result, so it is given up in either case. Thread-safe.
 */
public final class CampaignStop {
    private final StopSignal requests = new StopSignal();
    private final Runnable giveUp;
    private boolean asked;
    private boolean measuring;

    /** @param giveUp ends a deployment under way, so that the campaign's thread need not wait for it */
    public CampaignStop(Runnable giveUp) {
        this.giveUp = giveUp;
    }

    /** True if a block is being measured that will be finished first; if not, {@link #atOnce} is due. */
    public synchronized boolean afterBlock() {
        asked = true;
        return measuring;
    }

    /** Requests under way are cut. */
    public void atOnce() {
        synchronized (this) {
            asked = true;
        }
        requests.cut();
        giveUp.run();
    }

    public synchronized boolean isAsked() {
        return asked;
    }

    /** False if no further block may begin. */
    synchronized boolean beginBlock() {
        measuring = !asked;
        return measuring;
    }

    synchronized void endBlock() {
        measuring = false;
    }

    /** What the load generator looks at. */
    StopSignal requests() {
        return requests;
    }
}
