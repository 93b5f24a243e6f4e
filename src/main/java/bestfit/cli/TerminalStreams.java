package bestfit.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Which of the process's streams a person looks at. Linux's {@code /proc} tells; elsewhere none counts as a terminal. */
final class TerminalStreams {
    static final int INPUT = 0;
    static final int OUTPUT = 1;
    static final int ERROR = 2;

    private TerminalStreams() {}

    static boolean isTerminal(int stream) {
        try {
            var file =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + stream)).toString();
            return file.startsWith("/dev/pts/") || file.matches("/dev/(tty|console).*");
        } catch (IOException e) {
            return false;
        }
    }

    /** Lines can be written over and words made bold: a terminal, and not a dumb one. */
    static boolean isAnsi(int stream, Map<String, String> environment) {
        return isTerminal(stream) && !"dumb".equals(environment.get("TERM"));
    }

    /** {@link #isAnsi}, and {@code NO_COLOR} is not set: no-color.org counts bold as colour's kin and we follow. */
    static boolean isStyled(int stream, Map<String, String> environment) {
        return isAnsi(stream, environment)
                && environment.getOrDefault("NO_COLOR", "").isEmpty();
    }

    /** Columns of the screen that a stream goes to, {@code COLUMNS} first; without a screen as many as one likes. */
    static int columns(int stream, Map<String, String> environment) {
        var told = environment.getOrDefault("COLUMNS", "");
        if (told.matches("[1-9]\\d{0,4}")) {
            return Integer.parseInt(told);
        }
        if (!isTerminal(stream)) {
            return Integer.MAX_VALUE;
        }
        var size = StopKey.stty(List.of("-F", "/dev/tty", "size"))
                .map(text -> text.substring(text.indexOf(' ') + 1))
                .orElse("0");
        return size.matches("[1-9]\\d{0,4}") ? Integer.parseInt(size) : Integer.MAX_VALUE;
    }

    /** This process may read the keyboard without being stopped for it. */
    static boolean inForeground() {
        try {
            var stat = Files.readString(Path.of("/proc/self/stat"));
            // after the name in brackets: state, parent, process group, session, terminal, the terminal's group
            var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return fields[2].equals(fields[5]);
        } catch (IOException e) {
            return false;
        }
    }
}
