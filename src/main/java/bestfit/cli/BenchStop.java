package bestfit.cli;

import bestfit.load.StopSignal;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** On Ctrl-C, cuts the run under way and lets its report be printed before the JVM ends. */
final class BenchStop implements AutoCloseable {
    private static final int WIND_UP_SECONDS = 10;

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread onSignal = new Thread(this::windUp, "bestfit-stop");
    private final String late;
    private volatile StopSignal current = new StopSignal();
    private volatile boolean stopped;

    private BenchStop(String late) {
        this.late = late;
    }

    /**
     * Begins to listen.
     *
     * @param late said if what was measured is not told in time
     */
    static BenchStop listen(String late) {
        var stop = new BenchStop(late);
        Runtime.getRuntime().addShutdownHook(stop.onSignal);
        return stop;
    }

    /** For runs that keep what ended in an events file, if asked to. */
    static BenchStop listen() {
        return listen("the report could not be made in time; the events file holds what ended.");
    }

    /** For the next run; already stopped if Ctrl-C was pressed. */
    StopSignal next() {
        var next = new StopSignal();
        current = next;
        if (stopped) {
            next.cut();
        }
        return next;
    }

    boolean isStopped() {
        return stopped;
    }

    /** Runs while the JVM goes down: it ends when this returns, so the report is printed first. */
    private void windUp() {
        stopped = true;
        current.cut();
        try {
            if (!finished.await(WIND_UP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("bestfit: " + late);
            }
        } catch (InterruptedException goingDownAnyway) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        finished.countDown();
        if (!stopped) {
            Runtime.getRuntime().removeShutdownHook(onSignal);
        }
    }
}
