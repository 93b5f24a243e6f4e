package bestfit.node;

import bestfit.failure.Failure;
import bestfit.mlnode.InstanceStatus;
import java.util.List;

/** How an up request ended. */
sealed interface UpResult {
    /** Every instance has answered a request. */
    record Up() implements UpResult {}

    /** Nothing was changed. */
    record Refused(String reason) implements UpResult {}

    /**
     * The new deployment does not run, and neither does the old one.
     *
     * @param instances how far each had come
     */
    record Failed(Failure failure, List<InstanceStatus> instances) implements UpResult {
        public Failed {
            instances = List.copyOf(instances);
        }

        /** Before any instance was started. */
        public Failed(Failure failure) {
            this(failure, List.of());
        }
    }

    /** A down ended the start. */
    record Cancelled() implements UpResult {}
}
