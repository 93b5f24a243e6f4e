package bestfit.http;

/** Answers one exchange. */
@FunctionalInterface
public interface Handler {
    /** Answers, now or later. An exception that escapes becomes a 500 and never ends the server. */
    void handle(Exchange exchange) throws Exception;

    /** False if {@link #handle} never waits for anything, and so may run on the event loop; else it gets a thread of its own. */
    default boolean blocks() {
        return true;
    }
}
