package bestfit.load;

/**
 * When a server wrote the events of one answer, just before each was handed to the socket.
 *
 * @param arrivalNanos {@link System#nanoTime()} after its last byte was read
 * @param eventNanos of each event with a token, after the arrival
 * @param blocked how many writes met a full socket: the client read too slowly
 */
public record TruthRequest(long arrivalNanos, long[] eventNanos, int blocked) {
    public double ttftMillis() {
        return eventNanos[0] / 1e6;
    }

    public double endMillis() {
        return eventNanos[eventNanos.length - 1] / 1e6;
    }

    /** NaN for an answer of one token. */
    public double tpotMillis() {
        return eventNanos.length < 2 ? Double.NaN : (endMillis() - ttftMillis()) / (eventNanos.length - 1);
    }
}
