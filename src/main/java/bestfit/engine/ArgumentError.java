package bestfit.engine;

/** A command line that vLLM would refuse, in its words. */
public final class ArgumentError extends Exception {
    private static final long serialVersionUID = 1L;
    private final boolean inConfig;

    private ArgumentError(String message, boolean inConfig) {
        super(message);
        this.inConfig = inConfig;
    }

    /** By argparse: ends the process with exit code 2. */
    ArgumentError(String message) {
        this(message, false);
    }

    /** Later, by pydantic when the config is made of it, or by the kind of error that the message names: exit code 1. */
    static ArgumentError inConfig(String message) {
        return new ArgumentError(message, true);
    }

    public boolean isInConfig() {
        return inConfig;
    }
}
