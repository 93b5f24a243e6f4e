package bestfit.perf;

/**
 * What a load gets from a deployment: means; seconds and tokens a second.
 *
 * @param decode where the time of a decode step at the mean load goes
 * @param spent where the time of all steps goes, seconds
 * @param bubble share of the time in which a pipeline's first stage waits
 * @param queued share of the time to the first token that a request waits for a place
 */
public record Service(
        double ttft,
        double tpot,
        double latency,
        double outputTokensPerSecond,
        double requestsPerSecond,
        StepTime decode,
        StepTime spent,
        double bubble,
        double queued) {}
