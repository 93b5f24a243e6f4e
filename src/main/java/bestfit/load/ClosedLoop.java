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
        var users = new Arrivals.Closed(plan.users(), Duration.ZERO);
        var job = job(target, plan, users, new Extent.Requests(plan.requests()));
        var result = generator.run(target, LoadTarget.CHAT, job, sink, stop);
        return new LoadResult(
                result.measurements(),
                result.selfCheck(),
                result.effort(),
                result.wallNanos(),
                result.measurements().size() < plan.requests());
    }

    /**
     * Sends until it is stopped; the plan's number of requests is its bound. A user whose request failed waits a while, and a
     * server that went away is tried again. What is returned holds the newest requests only.
     *
     * @throws InterruptedException if the calling thread is interrupted; requests under way are cut
     */
    public LoadResult runOn(
            LoadTarget target, LoadPlan plan, Duration pauseAfterFailure, MeasurementSink sink, StopSignal stop)
            throws InterruptedException {
        var users = new Arrivals.Closed(plan.users(), Duration.ZERO, pauseAfterFailure);
        return generator.run(target, LoadTarget.CHAT, job(target, plan, users, new Extent.Endless()), sink, stop);
    }

    private static LoadJob job(LoadTarget target, LoadPlan plan, Arrivals users, Extent extent) {
        var options = plan.options();
        return new LoadJob(
                (index, _) -> Dialogue.single(
                        ChatRequest.body(
                                target.model(),
                                plan.prompts().prompt(index),
                                options,
                                index,
                                ThreadLocalRandom.current()),
                        0),
                plan.requests(),
                users,
                extent,
                new TimeLimits(TimeLimits.CONNECT, options.silence(), options.silence(), options.limit()),
                Duration.ZERO,
                plan.firstIndex(),
                new BitSet(),
                plan.block());
    }

    @Override
    public void close() {
        generator.close();
    }
}
