package bestfit.tune;

/** A config that is not tried, and why. */
public record Rejection(Candidate candidate, String reason) {}
