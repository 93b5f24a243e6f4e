package bestfit.cli;

import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.time.NanoClock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Says on standard error how far a run is: one line that is written over on a terminal, else a plain line now and then.
 * Passes every measurement on first. Thread-safe.
 */
final class ProgressLine implements MeasurementSink {
    private static final long TERMINAL_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final MeasurementSink next;
    private final String name;
    private final int total;
    private final @Nullable LiveLine live;
    private final NanoClock clock;
    private final long startNanos;
    private long lastShownNanos;
    private int done;
    private int failed;
    private long outputTokens;
    private double ttftSeconds;

    ProgressLine(MeasurementSink next, String name, int total, NanoClock clock) {
        this.next = next;
        this.name = name;
        this.total = total;
        this.live = TerminalStreams.isAnsi(TerminalStreams.ERROR, System.getenv())
                ? LiveLine.onStandardError(System.getenv())
                : null;
        this.clock = clock;
        this.startNanos = clock.nanoTime();
        this.lastShownNanos = startNanos;
    }

    @Override
    public synchronized void acceptAll(List<Measurement> measurements) {
        next.acceptAll(measurements);
        for (var measurement : measurements) {
            done++;
            failed += measurement.succeeded() ? 0 : 1;
            outputTokens += measurement.succeeded() ? measurement.outputTokens() : 0;
            ttftSeconds += measurement.succeeded() ? measurement.timing().ttftSeconds() : 0;
        }
        long now = clock.nanoTime();
        if (done == total || now - lastShownNanos >= (live != null ? TERMINAL_NANOS : PLAIN_NANOS)) {
            lastShownNanos = now;
            show(line((now - startNanos) / 1e9));
        }
    }

    private String line(double seconds) {
        int succeeded = done - failed;
        var figures = succeeded == 0
                ? ""
                : String.format(
                        Locale.ROOT, ", TTFT %.2f s, %.1f out tok/s", ttftSeconds / succeeded, outputTokens / seconds);
        var left = done == total
                ? "took " + span(seconds)
                : span(seconds) + ", ETA " + span(seconds / done * (total - done));
        return (name.isEmpty() ? "" : name + ": ") + done + "/" + total + " requests"
                + (failed == 0 ? "" : ", " + failed + " failed") + figures + ", " + left;
    }

    private void show(String line) {
        if (live == null) {
            System.err.println(line);
        } else if (done == total) {
            live.end(line);
        } else {
            live.draw(line);
        }
    }

    private static String span(double seconds) {
        var duration = Duration.ofMillis((long) (seconds * 1000));
        return duration.toMinutes() > 0
                ? duration.toMinutes() + " min " + duration.toSecondsPart() + " s"
                : duration.toSeconds() + " s";
    }
}
