package bestfit.engine;

import bestfit.engine.StepExecutor.Row;
import java.util.List;

/** How long simulated devices take. Used by one thread. */
@FunctionalInterface
public interface StepTimer {
    /**
     * Time that one pipeline stage is busy with a pass, in nanoseconds of the simulated clock; an engine without pipeline
     * has one stage.
     */
    long stageNanos(List<Row> rows);
}
