package bestfit.cli;

import java.io.PrintStream;
import java.util.Map;

/** The line of a terminal that is written over while something runs. Not thread-safe. */
final class LiveLine {
    private static final int WIDEST = 100;
    private static final String CLEAR = "\r\u001b[K";

    private final PrintStream out;
    private final int columns;

    private LiveLine(PrintStream out, int columns) {
        this.out = out;
        this.columns = columns;
    }

    /** On standard error, which must be a terminal that knows ANSI's "erase to the end of the line". */
    static LiveLine onStandardError(Map<String, String> environment) {
        return new LiveLine(System.err, Math.min(WIDEST, TerminalStreams.columns(TerminalStreams.ERROR, environment)));
    }

    /** In place of what stands there. */
    void draw(String line) {
        out.print(CLEAR + cut(line));
        out.flush();
    }

    /** In place of what stands there, for good. */
    void end(String line) {
        out.println(CLEAR + cut(line));
        out.flush();
    }

    void clear() {
        out.print(CLEAR);
    }

    /** A line that wraps could not be written over. */
    private String cut(String line) {
        return line.length() < columns ? line : line.substring(0, Math.max(0, columns - 2)) + "…";
    }
}
