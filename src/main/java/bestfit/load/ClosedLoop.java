package bestfit.load;

import bestfit.metrics.MeasurementSink;
import bestfit.workload.Extent;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.ThreadLocalRandom;

/**
 * N users, each sending its next streamed chat completion when the one before has ended. Connections are kept between
 * runs. One run at a time.
 */
public final class ClosedLoop implements AutoCloseable {
    private final LoadGenerator generator;

    private ClosedLoop(LoadGenerator generator) {
        this.generator = generator;
    }

    /** Starts the client and rehearses it, so that the first request is measured like the last. */
    public static ClosedLoop open() throws InterruptedException {
        return new ClosedLoop(LoadGenerator.open());
    }

    /**
     * Sends the plan's requests and returns when all have ended. Every measurement goes to {@code sink} as its request
     * ends, on a thread of its own, so a slow sink delays no request.
     *
     * @throws InterruptedException if the calling thread is interrupted; requests under way are cut
     */
    public LoadResult run(LoadTarget target, LoadPlan plan, MeasurementSink sink, StopSignal stop)
            throws InterruptedException {
        var options = plan.options();
        var job = new LoadJob(
                (index, _) -> Dialogue.single(
                        ChatRequest.body(
                                target.model(),
                                plan.prompts().prompt(index),
                                options,
                                index,
                                ThreadLocalRandom.current()),
                        0),
                plan.requests(),
                new Arrivals.Closed(plan.users(), Duration.ZERO),
                new Extent.Requests(plan.requests()),
                new TimeLimits(TimeLimits.CONNECT, options.silence(), options.silence(), options.limit()),
                Duration.ZERO,
                plan.firstIndex(),
                new BitSet(),
                plan.block());
        var result = generator.run(target, LoadTarget.CHAT, job, sink, stop);
        return new LoadResult(
                result.measurements(),
                result.selfCheck(),
                result.effort(),
                result.wallNanos(),
                result.measurements().size() < plan.requests());
    }

    @Override
    public void close() {
        generator.close();
    }
}
