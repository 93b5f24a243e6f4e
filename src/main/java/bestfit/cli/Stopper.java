package bestfit.cli;

import bestfit.load.StopSignal;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns Ctrl-C, SIGTERM and SIGHUP into an orderly end: no further request, the deployment under way is given up, the
 * server is restored, the report printed; only then the JVM ends.
 */
final class Stopper {
    /** What ran before is restored within this time; a big model may need minutes to load. */
    private static final long PATIENCE_SECONDS = 1500;

    private final StopSignal signal = new StopSignal();
    private final CountDownLatch finished = new CountDownLatch(1);
    private final TuneProgress progress;
    private volatile Runnable onStop = () -> {};

    private Stopper(TuneProgress progress) {
        this.progress = progress;
    }

    static Stopper install(TuneProgress progress) {
        var stopper = new Stopper(progress);
        Runtime.getRuntime().addShutdownHook(new Thread(stopper::stop, "stop of tune"));
        return stopper;
    }

    StopSignal signal() {
        return signal;
    }

    /** Gives up what blocks the campaign's thread. */
    void onStop(Runnable action) {
        onStop = action;
    }

    /** From here on the JVM may end at once. */
    void finished() {
        finished.countDown();
    }

    private void stop() {
        if (finished.getCount() == 0) {
            return;
        }
        progress.say("stopping: the server is restored, then this ends");
        signal.cut();
        onStop.run();
        try {
            if (!finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                progress.say("giving up: the campaign did not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
