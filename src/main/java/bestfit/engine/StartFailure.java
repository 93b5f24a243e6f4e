package bestfit.engine;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The engine cannot start; the message is what vLLM would say. */
public final class StartFailure extends Exception {
    private static final long serialVersionUID = 1L;
    private final String words;
    private final boolean insideEngine;
    private final @Nullable String help;

    private StartFailure(String message, boolean insideEngine, @Nullable String help) {
        super(message);
        this.words = message;
        this.insideEngine = insideEngine;
        this.help = help;
    }

    /** The config is refused before an engine process would be started. */
    public static StartFailure config(String message) {
        return new StartFailure(message, false, null);
    }

    /** @param help what vLLM does not say: what to do */
    public static StartFailure config(String message, String help) {
        return new StartFailure(message, false, help);
    }

    /** The engine process fails: vLLM logs the cause there and ends with a general line. */
    public static StartFailure engine(String message) {
        return new StartFailure(message, true, null);
    }

    /** What vLLM would say. */
    public String words() {
        return words;
    }

    /** What to do, where vLLM's words do not tell. */
    public Optional<String> help() {
        return Optional.ofNullable(help);
    }

    public boolean insideEngine() {
        return insideEngine;
    }
}
