package bestfit.http;

/** Told of an exchange's client, on its connection's event loop. */
interface ClientWatcher {
    /** The connection ended before the answer did. */
    void clientLeft();

    void writabilityChanged();
}
