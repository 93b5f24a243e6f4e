package bestfit.store;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * One deployment of a candidate, as stored.
 *
 * @param candidate its place in the campaign's list, from 0
 * @param deployment counts the candidate's deployments from 0
 * @param config JSON
 * @param seconds from the start of its deployment to its end
 * @param failure JSON; null unless failed
 * @param checks the client's self-check, JSON; null if nothing was measured
 * @param gpus what GpuSampler saw while it was measured, JSON; null if nothing was
 * @param engine its version by its own word; null if it told none
 * @param experiments id in compressa-perf's table by name
 */
public record TrialRow(
        long id,
        int candidate,
        int deployment,
        String config,
        State state,
        double seconds,
        double measuringSeconds,
        @Nullable String failure,
        @Nullable String checks,
        @Nullable String gpus,
        @Nullable String engine,
        SequencedMap<String, Long> experiments) {
    /** How far a trial came. */
    public enum State {
        /** Under way; of a dead process: cut short, kept and unused. */
        RUNNING,
        MEASURED,
        FAILED,
        /** Ended before its last block because the campaign was stopped; kept and unused. */
        CUT
    }

    public TrialRow {
        experiments = new LinkedHashMap<>(experiments);
    }

    /** Whether it counts: it is not repeated when the campaign goes on. */
    public boolean finished() {
        return state == State.MEASURED || state == State.FAILED;
    }
}
