package bestfit.load;

/** Tells a run to end early: first softly, then at once. Thread-safe. */
public final class StopSignal {
    private volatile boolean cut;
    private volatile boolean stopped;

    /** No further request is sent; those under way end. */
    public void stop() {
        stopped = true;
    }

    /** Requests under way are cut too and leave no measurement. */
    public void cut() {
        stopped = true;
        cut = true;
    }

    public boolean isStopped() {
        return stopped;
    }

    public boolean isCut() {
        return cut;
    }
}
