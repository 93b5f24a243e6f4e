package bestfit.tune;

import java.util.Optional;

/**
 * What one deployment of a candidate did, measured to its last block.
 *
 * @param workload as it was sent
 * @param engine its version by its own word, such as {@code 0.23.0}; empty if it told none
 */
public record MeasuredTrial(Candidate candidate, TuneWorkload workload, Optional<String> engine, Figures figures) {}
