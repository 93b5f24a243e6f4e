package bestfit.engine;

/** A command line that vLLM's argparse would refuse, in its words; ends the process with exit code 2. */
public final class ArgumentError extends Exception {
    private static final long serialVersionUID = 1L;

    ArgumentError(String message) {
        super(message);
    }
}
