package bestfit.perf;

/**
 * What users send to one deployment.
 *
 * @param users requests in flight; infinite for an open loop
 * @param ratePerSecond arrivals of an open loop; 0 for a closed one
 * @param requests sent in all
 */
public record Load(double inputTokens, double outputTokens, double users, double ratePerSecond, double requests) {}
