package bestfit.grammar;

/** A regular expression or schema that says something wrong, or something that is not supported; the message says which. */
public final class GrammarException extends Exception {
    private static final long serialVersionUID = 1;

    GrammarException(String message) {
        super(message);
    }
}
