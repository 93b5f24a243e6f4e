package bestfit.node;

import bestfit.failure.Failure;

/** How an up request ended. */
sealed interface UpResult {
    /** Every instance has answered a request. */
    record Up() implements UpResult {}

    /** Nothing was changed. */
    record Refused(String reason) implements UpResult {}

    /** The new deployment does not run, and neither does the old one. */
    record Failed(Failure failure) implements UpResult {}

    /** A down ended the start. */
    record Cancelled() implements UpResult {}
}
