package bestfit.engine;

/** The engine cannot start; the message is what vLLM would say. */
public final class StartFailure extends Exception {
    private static final long serialVersionUID = 1L;
    private final String words;
    private final boolean insideEngine;

    private StartFailure(String message, boolean insideEngine) {
        super(message);
        this.words = message;
        this.insideEngine = insideEngine;
    }

    /** The config is refused before an engine process would be started. */
    public static StartFailure config(String message) {
        return new StartFailure(message, false);
    }

    /** The engine process fails: vLLM logs the cause there and ends with a general line. */
    public static StartFailure engine(String message) {
        return new StartFailure(message, true);
    }

    /** What vLLM would say. */
    public String words() {
        return words;
    }

    public boolean insideEngine() {
        return insideEngine;
    }
}
