package bestfit.load;

import bestfit.http.StreamClient;
import bestfit.metrics.MeasurementSink;
import bestfit.time.NanoClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * N users, each sending its next streamed chat completion when the one before has ended. Connections are kept between
 * runs. One run at a time.
 */
public final class ClosedLoop implements AutoCloseable {
    private static final int LOOPS = 1;

    private final StreamClient client;

    private ClosedLoop(StreamClient client) {
        this.client = client;
    }

    /** Starts the client and rehearses it for half a second, so that the first request is measured like the last. */
    public static ClosedLoop open() throws InterruptedException {
        var loop = new ClosedLoop(StreamClient.open(LOOPS, TimeUnit.SECONDS.toNanos(30)));
        try {
            Rehearsal.of(loop);
            return loop;
        } catch (InterruptedException | RuntimeException failure) {
            loop.close();
            throw failure;
        }
    }

    /**
     * Sends the plan's requests and returns when all have ended. Every measurement goes to {@code sink} as its request
     * ends, on a thread of its own, so a slow sink delays no request.
     *
     * @throws InterruptedException if the calling thread is interrupted; requests under way are cut
     */
    public LoadResult run(LoadTarget target, LoadPlan plan, MeasurementSink sink, StopSignal stop)
            throws InterruptedException {
        long startNanos = NanoClock.SYSTEM.nanoTime();
        var before = ClientCpu.now(startNanos);
        var recorder = new SinkThread(sink, stop);
        var users = new Users(client, target, plan, recorder, stop, NanoClock.SYSTEM);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var recording = threads.submit(() -> {
                recorder.drain();
                return null;
            });
            var sending = new ArrayList<Future<?>>();
            for (int user = 0; user < plan.users(); user++) {
                sending.add(threads.submit(() -> {
                    users.sendInTurn();
                    return null;
                }));
            }
            try {
                join(sending);
                recorder.end();
                join(List.of(recording));
            } catch (InterruptedException | RuntimeException failure) {
                stop.cut();
                recorder.end();
                throw failure;
            }
        }
        long endNanos = NanoClock.SYSTEM.nanoTime();
        var measurements = recorder.taken();
        var check = SelfCheck.of(measurements, before, ClientCpu.now(endNanos), LOOPS);
        return new LoadResult(measurements, check, endNanos - startNanos, measurements.size() < plan.requests());
    }

    @Override
    public void close() {
        client.close();
    }

    private static void join(List<? extends Future<?>> tasks) throws InterruptedException {
        for (var task : tasks) {
            try {
                task.get();
            } catch (ExecutionException failed) {
                throw failed.getCause() instanceof RuntimeException cause
                        ? cause
                        : new IllegalStateException(failed.getCause());
            }
        }
    }
}
