package bestfit.cli;

import bestfit.tune.Progress;
import java.io.PrintStream;

/** A campaign's progress, one plain line a stage. */
final class TuneProgress implements Progress {
    private final PrintStream out;

    TuneProgress(PrintStream out) {
        this.out = out;
    }

    void say(String line) {
        out.println(line);
    }

    @Override
    public void stage(int done, int expected, double etaSeconds, String text) {
        out.printf("[%d/%d, %s left] %s%n", Math.min(done + 1, expected), expected, duration(etaSeconds), text);
    }

    private static String duration(double seconds) {
        long whole = Math.round(seconds);
        return whole < 60 ? whole + " s" : whole / 60 + " min " + whole % 60 + " s";
    }
}
