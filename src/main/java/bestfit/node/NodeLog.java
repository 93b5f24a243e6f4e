package bestfit.node;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/** The node's own log lines, on standard error in MLNode's form. */
final class NodeLog {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss,SSS");

    private NodeLog() {}

    static void info(String text) {
        write("INFO", text);
    }

    static void warn(String text) {
        write("WARNING", text);
    }

    private static void write(String level, String text) {
        System.err.println(
                LocalDateTime.now(ZoneId.systemDefault()).format(TIME) + " - bestfit.node - " + level + " - " + text);
    }
}
