package bestfit.cli;

import bestfit.tune.CampaignStop;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns the ways to end {@code tune} into an orderly end: the server is restored, the report printed; only then the JVM
 * ends. Ctrl-C waits for the block that is being measured, a second one does not; SIGTERM and SIGHUP do not either.
 */
final class Stopper implements AutoCloseable {
    /** What ran before is restored within this time; a big model may need minutes to load. */
    private static final long PATIENCE_SECONDS = 1500;

    private final CountDownLatch finished = new CountDownLatch(1);
    private final CampaignStop stop;
    private final TuneProgress progress;
    private int interrupts;
    private volatile boolean restoring;

    private Stopper(CampaignStop stop, TuneProgress progress) {
        this.stop = stop;
        this.progress = progress;
    }

    /** From here on signals end the campaign, not the JVM. */
    static Stopper install(CampaignStop stop, TuneProgress progress) {
        var stopper = new Stopper(stop, progress);
        Runtime.getRuntime().addShutdownHook(new Thread(stopper::terminated, "end of tune"));
        InterruptSignal.handle(stopper::interrupted);
        return stopper;
    }

    /** Ctrl-C, or {@code q}. */
    synchronized void interrupted() {
        if (restoring) {
            progress.say("the server is being left as it was found; this ends right after");
            return;
        }
        interrupts++;
        // Said before it is done, for ending a start under way takes a moment.
        if (interrupts > 1) {
            progress.say("stopping at once; then the server is left as it was found");
            stop.atOnce();
        } else if (stop.afterBlock()) {
            progress.say("stopping after this block (Ctrl-C again: at once); then the server is left as it was found");
        } else {
            progress.say("stopping; then the server is left as it was found");
            stop.atOnce();
        }
    }

    /** From here on there is nothing left to stop. */
    void restoring() {
        restoring = true;
    }

    /** From here on the JVM may end at once. */
    @Override
    public void close() {
        finished.countDown();
    }

    private void terminated() {
        if (finished.getCount() == 0) {
            return;
        }
        progress.say("stopping; then the server is left as it was found");
        stop.atOnce();
        try {
            if (!finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                progress.say("giving up: the campaign did not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
