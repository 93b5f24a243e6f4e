package bestfit.load;

import bestfit.metrics.Measurement;
import java.util.List;

/**
 * What a run gave.
 *
 * @param measurements in the order the requests ended
 * @param wallNanos from before the first request to after the last
 * @param stopped the run ended before its last request
 */
public record LoadResult(
        List<Measurement> measurements, SelfCheck selfCheck, ClientEffort effort, long wallNanos, boolean stopped) {}
