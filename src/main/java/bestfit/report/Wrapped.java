package bestfit.report;

import java.util.ArrayList;
import java.util.List;

/** Text in lines that a common terminal shows whole. Pure. */
public final class Wrapped {
    /** Columns of the widest line, if its words allow. */
    public static final int WIDTH = 100;

    private Wrapped() {}

    /** Broken at blanks; {@code indent} begins each further line. */
    public static List<String> lines(String text, String indent) {
        var lines = new ArrayList<String>();
        var rest = text;
        while (rest.length() > WIDTH) {
            int blank = rest.lastIndexOf(' ', WIDTH);
            if (blank <= indent.length()) {
                break; // one word that is longer
            }
            lines.add(rest.substring(0, blank).stripTrailing());
            rest = indent + rest.substring(blank).strip();
        }
        lines.add(rest);
        return lines;
    }
}
