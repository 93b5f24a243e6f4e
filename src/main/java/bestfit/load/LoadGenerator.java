package bestfit.load;

import bestfit.config.ConfigException;
import bestfit.http.StreamClient;
import bestfit.metrics.MeasurementSink;
import bestfit.time.NanoClock;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Sends streamed requests from one event loop and measures them. Connections are kept between runs. One run at a time.
 */
public final class LoadGenerator implements AutoCloseable {
    private static final int LOOPS = 1;
    private static final int LEAST_AHEAD = 64;
    private static final int MOST_AHEAD = 4096;
    private static final int MOST_CONNECTED_BEFORE = 20_000;

    private final StreamClient client;
    private boolean measures; // and no longer rehearses

    private LoadGenerator(StreamClient client) {
        this.client = client;
    }

    /** Starts the client and rehearses it, so that the first request is measured like the last. */
    public static LoadGenerator open() throws InterruptedException {
        var generator = new LoadGenerator(StreamClient.open(LOOPS, TimeLimits.CONNECT.toNanos()));
        try {
            Rehearsal.of(generator);
            generator.measures = true;
            return generator;
        } catch (InterruptedException | RuntimeException failure) {
            generator.close();
            throw failure;
        }
    }

    /**
     * Sends the job's requests and returns when all have ended. Every measurement goes to {@code sink} as its request ends,
     * on a thread of its own, so a slow sink delays no request.
     *
     * @throws InterruptedException if the calling thread is interrupted; requests under way are cut
     */
    public LoadResult run(LoadTarget target, String endpoint, LoadJob job, MeasurementSink sink, StopSignal stop)
            throws InterruptedException {
        var routes = routes(target, endpoint);
        int atOnce = atOnce(job.arrivals());
        var requests = new PreparedRequests(job, routes, Math.clamp(atOnce, LEAST_AHEAD, MOST_AHEAD), MOST_AHEAD);
        var results = new SinkThread(sink, stop, job.extent().mostKept());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var making = threads.submit(() -> {
                requests.make();
                return null;
            });
            var recording = threads.submit(() -> {
                results.drain();
                return null;
            });
            try {
                requests.awaitFilled();
                if (!stop.isStopped()) {
                    int connections = Math.min(atOnce, job.extent().mostRequests(atOnce));
                    for (var route : routes) {
                        join(client.connect(route, Math.ceilDiv(connections, routes.size())));
                    }
                }
                if (measures) {
                    // what was made so far is out of the way: the next collection is far off and has little to move
                    System.gc();
                }
                long startNanos = NanoClock.SYSTEM.nanoTime();
                var before = ClientCpu.now(startNanos);
                long restsBefore = client.rests();
                long beforeWall = System.currentTimeMillis();
                var driver = new LoadDriver(client, job, requests, results, stop, NanoClock.SYSTEM);
                join(driver.start());
                long wallMillis = System.currentTimeMillis() - beforeWall;
                long endNanos = NanoClock.SYSTEM.nanoTime();
                var after = ClientCpu.now(endNanos);
                results.end();
                join(recording);
                var measurements = results.taken();

                var lags = driver.lagMillis();
                var effort = ClientEffort.between(
                        before, after, lags, wallMillis, client.kernelStamps(), client.rests() - restsBefore);
                var check = SelfCheck.of(ClientSamples.of(measurements, driver.waited(), before, after, lags, LOOPS));
                return new LoadResult(measurements, check, effort, endNanos - startNanos, stop.isStopped());
            } catch (InterruptedException | RuntimeException failure) {
                stop.cut();
                results.end();
                throw failure;
            } finally {
                requests.close();
                making.cancel(true);
            }
        }
    }

    private List<StreamClient.Route> routes(LoadTarget target, String endpoint) {
        var routes = new ArrayList<StreamClient.Route>();
        for (var url : target.urls(endpoint)) {
            try {
                routes.add(client.route(url, target.allHeaders(), target.tls()));
            } catch (UnknownHostException e) {
                throw new ConfigException(
                        url.getHost() + ": the host is not known; it takes a URL such as http://127.0.0.1:8000.");
            }
        }
        return routes;
    }

    private static int atOnce(Arrivals arrivals) {
        return switch (arrivals) {
            case Arrivals.Closed(int users, var _, var _) -> Math.min(users, MOST_CONNECTED_BEFORE);
            case Arrivals.Open _ -> 1;
        };
    }

    @Override
    public void close() {
        client.close();
    }

    private static void join(Future<? extends @Nullable Object> task) throws InterruptedException {
        try {
            task.get();
        } catch (ExecutionException failed) {
            throw failed.getCause() instanceof RuntimeException cause
                    ? cause
                    : new IllegalStateException(failed.getCause());
        }
    }
}
