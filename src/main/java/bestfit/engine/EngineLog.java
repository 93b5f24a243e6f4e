package bestfit.engine;

import java.io.OutputStream;
import java.io.PrintStream;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/** Writes log lines in vLLM's form; what reads vLLM's logs reads these. Thread-safe. */
public final class EngineLog {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("MM-dd HH:mm:ss");

    /** The vLLM process that would write the line. */
    public enum Writer {
        API("APIServer"),
        CORE("EngineCore");

        private final String label;

        Writer(String label) {
            this.label = label;
        }
    }

    /** Drops everything. */
    public static final EngineLog SILENT = new EngineLog(new PrintStream(OutputStream.nullOutputStream()));

    private final PrintStream out;
    private final long pid = ProcessHandle.current().pid();

    public EngineLog(PrintStream out) {
        this.out = out;
    }

    /** @param place the file that writes it in vLLM, such as {@code core.py:402} */
    public void info(Writer writer, String place, String text) {
        line(writer, "INFO", place, text);
    }

    public void warning(Writer writer, String place, String text) {
        line(writer, "WARNING", place, text);
    }

    public void error(Writer writer, String place, String text) {
        line(writer, "ERROR", place, text);
    }

    private void line(Writer writer, String level, String place, String text) {
        var now = TIME.format(LocalDateTime.now(ZoneId.systemDefault()));
        for (var each : text.split("\n", -1)) {
            plain("(" + writer.label + " pid=" + pid + ") " + level + " " + now + " [" + place + "] " + each);
        }
    }

    /** uvicorn's form. */
    void uvicorn(String text) {
        plain("INFO:     " + text);
    }

    /** A line without prefix. */
    public void plain(String text) {
        out.println(text);
    }
}
