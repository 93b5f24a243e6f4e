package bestfit.engine;

import bestfit.http.Exchange;

/** How one request is answered. */
interface RequestAnswer {
    /**
     * Hands its first sequences to the core, and begins the answer where that is a stream of tokens.
     *
     * @param onEnd runs once, when the answer is written or the client has left
     */
    void begin(Exchange exchange, Runnable onEnd);

    /** Answers on this thread what {@link #begin} does not; returns when it is written or the client has left. */
    void serve(Exchange exchange, Runnable onEnd) throws InterruptedException;
}
