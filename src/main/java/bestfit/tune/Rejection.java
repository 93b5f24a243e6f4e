package bestfit.tune;

/**
 * A config that is not tried, and why.
 *
 * @param fits it could run, but is the same as another under this workload
 */
public record Rejection(Candidate candidate, String reason, boolean fits) {}
