package bestfit.cli;

import bestfit.metrics.Measurement;
import bestfit.tune.Progress;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A campaign's progress. On a terminal one line a trial, written over while the trial runs: stage, bar, time left, tokens
 * per second and time to first token of the last requests. Elsewhere a plain line a stage. Thread-safe.
 */
final class TuneProgress implements Progress {
    private static final int BAR = 10;
    private static final long REDRAW_NANOS = 250_000_000L;

    private final PrintStream out;
    private final @Nullable LiveLine live;
    private Stage current = new Stage(0, 0, 0, "", "", 1);
    private LiveFigures figures = new LiveFigures();
    private long stageNanos;
    private long drawnNanos;

    private TuneProgress(PrintStream out, @Nullable LiveLine live) {
        this.out = out;
        this.live = live;
    }

    /** On standard error. */
    static TuneProgress start(Map<String, String> environment) {
        if (!TerminalStreams.isAnsi(TerminalStreams.ERROR, environment)) {
            return new TuneProgress(System.err, null);
        }
        var progress = new TuneProgress(System.err, LiveLine.onStandardError(environment));
        Thread.ofPlatform().daemon().name("progress").start(progress::tick);
        return progress;
    }

    synchronized void say(String line) {
        if (live != null && !current.ended()) {
            live.clear();
        }
        out.println(line);
        draw();
    }

    @Override
    public synchronized void stage(Stage stage) {
        if (!stage.config().equals(current.config()) || current.ended()) {
            figures = new LiveFigures();
        }
        current = stage;
        stageNanos = System.nanoTime();
        if (live == null) {
            out.println(plain(stage));
        } else if (stage.ended()) {
            live.end(plain(stage));
        } else {
            draw();
        }
    }

    @Override
    public synchronized void request(Measurement measurement) {
        figures.add(measurement);
        if (System.nanoTime() - drawnNanos > REDRAW_NANOS) {
            draw();
        }
    }

    private static String plain(Stage stage) {
        var left = stage.etaSeconds() == 0 ? "done" : duration(stage.etaSeconds()) + " left";
        return "[%d/%d, %s] %s: %s".formatted(stage.deployment(), stage.expected(), left, stage.config(), stage.what());
    }

    /** The line of a running trial. */
    private String running() {
        double eta = Math.max(0, current.etaSeconds() - (System.nanoTime() - stageNanos) / 1e9);
        int full = (int) Math.round(current.share() * BAR);
        return String.format(
                Locale.ROOT,
                "[%d/%d] %-24s %s%s %-12s ETA %-11s%s",
                current.deployment(),
                current.expected(),
                current.config(),
                "█".repeat(full),
                "░".repeat(BAR - full),
                current.what(),
                duration(eta),
                figures);
    }

    private void draw() {
        if (live != null && !current.ended()) {
            drawnNanos = System.nanoTime();
            live.draw(running());
        }
    }

    /** The time left runs on during a long deployment too. */
    private void tick() {
        while (true) {
            try {
                Thread.sleep(1000);
            } catch (InterruptedException e) {
                return;
            }
            synchronized (this) {
                draw();
            }
        }
    }

    private static String duration(double seconds) {
        long whole = Math.round(seconds);
        return whole < 60 ? whole + " s" : whole / 60 + " min " + whole % 60 + " s";
    }
}
