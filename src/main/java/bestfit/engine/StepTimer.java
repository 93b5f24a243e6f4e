package bestfit.engine;

import bestfit.engine.StepExecutor.Row;
import java.util.List;

/** How long simulated devices take. Used by one thread. */
@FunctionalInterface
public interface StepTimer {
    /**
     * Nanoseconds of the simulated clock.
     *
     * @param total from the pass's start to its tokens, all pipeline stages
     * @param untilNext after which the next pass can enter the pipeline; the total where there is one stage
     */
    record Times(long total, long untilNext) {
        static final Times NONE = new Times(0, 0);

        Times scaled(double factor) {
            return new Times(Math.round(total * factor), Math.round(untilNext * factor));
        }
    }

    Times of(List<Row> rows);
}
