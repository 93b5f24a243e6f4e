package bestfit.http;

/** Answers one request. Called on a virtual thread of its own, so it may block. */
@FunctionalInterface
public interface Handler {
    /** An exception that escapes becomes a 500 and never ends the server. */
    void handle(Exchange exchange) throws Exception;
}
