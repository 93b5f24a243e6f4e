package bestfit.perf;

/** What a load gets from a deployment, means; seconds and tokens a second. */
public record Service(
        double ttft, double tpot, double latency, double outputTokensPerSecond, double concurrency, StepTime decode) {}
