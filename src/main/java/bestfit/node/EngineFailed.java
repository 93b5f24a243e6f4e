package bestfit.node;

import bestfit.failure.Failure;
import bestfit.mlnode.InstanceStatus.FailureStatus;

/** An engine, and with it the deployment, could not be brought up. */
final class EngineFailed extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Failure failure;

    EngineFailed(Failure failure) {
        super(failure.name() + ": " + failure.line());
        this.failure = failure;
    }

    Failure failure() {
        return failure;
    }

    static FailureStatus status(Failure failure) {
        return new FailureStatus(failure.name(), failure.line(), failure.evidence());
    }
}
