package bestfit.metrics;

import java.util.Arrays;
import java.util.Optional;

/** Why a request failed. Written into {@link Measurement#failure()} as {@code kind: what was seen}. */
public enum RequestFailure {
    /** No connection: nothing listens, or the name does not resolve. */
    REFUSED("refused"),
    /** The connection broke before or amid the answer. */
    RESET("reset"),
    /** The time limit of the whole request passed. */
    TIMEOUT("timeout"),
    /** No connection in time. */
    CONNECT_TIMEOUT("connect timeout"),
    /** Nothing with content in time. */
    FIRST_TOKEN_TIMEOUT("first token timeout"),
    /** Nothing came for too long within an answer. */
    STALLED("stalled"),
    /** A status other than 2xx. */
    HTTP_STATUS("http status"),
    /** An error event inside a stream that began with status 200. */
    ERROR_EVENT("error event"),
    /** The engine ended the answer with finish reason "abort", or "error". */
    ABORTED("aborted"),
    /** The stream ended without its closing {@code [DONE]}. */
    TRUNCATED("truncated"),
    /** A complete stream without a single delta with content. */
    EMPTY("empty"),
    /** A complete stream that did not tell its token counts. */
    NO_USAGE("no usage"),
    /** The answer has another number of tokens than was ordered. */
    WRONG_LENGTH("wrong length"),
    /** The turn of a conversation before it had failed. */
    NOT_SENT("not sent"),
    /** Something else than HTTP, or than the events of the API. */
    MALFORMED("malformed");

    private final String label;

    RequestFailure(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    public String because(String seen) {
        return label + ": " + seen;
    }

    /** The kind of a {@link Measurement#failure()}. */
    public static Optional<RequestFailure> of(String failure) {
        return Arrays.stream(values())
                .filter(kind -> failure.equals(kind.label) || failure.startsWith(kind.label + ": "))
                .findFirst();
    }

    /** The label of a {@link Measurement#failure()}'s kind, "other" of one that is not known. */
    public static String labelOf(String failure) {
        return of(failure).map(RequestFailure::label).orElse("other");
    }
}
