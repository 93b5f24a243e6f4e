package bestfit.scheduler;

import java.util.ArrayDeque;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The outstanding steps of an engine, oldest first, filled and emptied as vLLM's engine loop does: steps are made and
 * sent off until the queue is full or nothing more can run, then the oldest has to be waited for. With room for one it
 * is the plain loop: schedule, run, complete. Not thread-safe.
 *
 * @param <P> what stands for a step being computed, for example a future
 */
public final class StepQueue<P> {
    /** A step that was sent off. */
    public record Outstanding<P>(ScheduledStep step, P pending) {}

    private final Scheduler scheduler;
    private final int capacity;
    private final Function<ScheduledStep, P> submit;
    private final ArrayDeque<Outstanding<P>> queue = new ArrayDeque<>();

    /**
     * @param capacity {@link SchedulerConfig#outstandingSteps()}
     * @param submit starts the computation of a step; gets empty steps too
     */
    public StepQueue(Scheduler scheduler, int capacity, Function<ScheduledStep, P> submit) {
        this.scheduler = scheduler;
        this.capacity = capacity;
        this.submit = submit;
    }

    /** True while a turn would do something. */
    public boolean hasWork() {
        return !queue.isEmpty() || scheduler.hasWork();
    }

    /**
     * One turn of the loop: makes a step if there is work, and says what to wait for.
     *
     * @return the oldest step, taken out of the queue, whose result the caller awaits and hands to
     *     {@link Scheduler#complete}; null if the next turn should come first
     */
    public @Nullable Outstanding<P> turn() {
        if (scheduler.hasWork()) {
            var step = scheduler.schedule();
            queue.add(new Outstanding<>(step, submit.apply(step)));
            if (queue.size() < capacity && (!step.chunks().isEmpty() || scheduler.hasWork())) {
                return null;
            }
        }
        return queue.poll();
    }
}
