package bestfit.tune;

import java.util.List;
import java.util.Optional;

/**
 * What became of a candidate.
 *
 * @param deployments finished ones
 * @param seconds over all its deployments
 * @param figures of measured ones
 * @param gpus while it was measured, one for each GPU and deployment; none where they cannot be looked at
 */
public record Outcome(
        Candidate candidate,
        Status status,
        int deployments,
        double seconds,
        Optional<Figures> figures,
        Optional<TrialFailure> failure,
        List<GpuRun> gpus) {
    public Outcome {
        gpus = List.copyOf(gpus);
    }

    /** As in DESIGN's JSON; a candidate that the campaign did not come to is none of them. */
    public enum Status {
        MEASURED,
        FAILED,
        /** The campaign was stopped, or its time was over, before. */
        UNTRIED
    }
}
