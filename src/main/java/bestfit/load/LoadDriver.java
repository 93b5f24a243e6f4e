package bestfit.load;

import bestfit.http.StreamClient;
import bestfit.metrics.Measurement;
import bestfit.time.NanoClock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Sends the requests of one run and watches their time limits. Confined to the client's event loop but for {@link #start}. */
final class LoadDriver {
    private static final long LOOK_NANOS = 20_000_000;
    private static final int REFUSED_IN_A_ROW = 200;

    private final StreamClient client;
    private final StreamClient.Route route;
    private final LoadJob job;
    private final PreparedRequests requests;
    private final SinkThread results;
    private final StopSignal stop;
    private final NanoClock clock;
    private final CompletableFuture<@Nullable Void> finished = new CompletableFuture<>();
    private final List<RequestRecorder> underWay = new ArrayList<>();
    private final List<Double> lags = new ArrayList<>();
    private final Queue<Long> blockedSince = new ArrayDeque<>();
    private long startNanos;
    private long startEpochMicros;
    private int due;
    private int refusedInARow;
    private boolean noMore;
    private long lookDueNanos;

    LoadDriver(
            StreamClient client,
            StreamClient.Route route,
            LoadJob job,
            PreparedRequests requests,
            SinkThread results,
            StopSignal stop,
            NanoClock clock) {
        this.client = client;
        this.route = route;
        this.job = job;
        this.requests = requests;
        this.results = results;
        this.stop = stop;
        this.clock = clock;
    }

    /** Begins to send; the future completes when every request has ended. */
    CompletableFuture<@Nullable Void> start() {
        client.execute(() -> guarded(this::begin));
        return finished;
    }

    /** How long the event loop kept each of its looks waiting, in milliseconds; to be called when all has ended. */
    double[] lagMillis() {
        return lags.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private void begin() {
        startNanos = clock.nanoTime();
        // one look at the wall clock: within a run, its steps move no time stamp
        startEpochMicros = System.currentTimeMillis() * 1000;
        switch (job.arrivals()) {
            case Arrivals.Closed(int users) -> {
                for (int user = 0; user < users && !noMore; user++) {
                    sendNow(clock.nanoTime());
                }
            }
            case Arrivals.Open open -> sendDue(open);
        }
        look();
    }

    /** Sends what is due and comes back when the next one is. */
    private void sendDue(Arrivals.Open open) {
        while (!noMore) {
            long offset = open.schedule().offsetNanos(due);
            if (offset == bestfit.workload.SendSchedule.END || isOver()) {
                noMore = true;
                break;
            }
            long early = startNanos + offset - clock.nanoTime();
            if (early > 0) {
                client.schedule(() -> guarded(() -> sendDue(open)), early);
                return;
            }
            due++;
            if (underWay.size() >= open.mostInFlight()) {
                blockedSince.add(startNanos + offset);
            } else {
                sendNow(startNanos + offset);
            }
        }
        finishIfDone();
    }

    private boolean isOver() {
        return stop.isStopped() || clock.nanoTime() - startNanos >= job.extent().mostNanos();
    }

    private void sendNow(long intendedNanos) {
        if (noMore || isOver()) {
            noMore = true;
            return;
        }
        PreparedRequests.Prepared next;
        try {
            next = requests.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a request was made", e);
        }
        if (next == null) {
            noMore = true;
            return;
        }
        var recorder = new RequestRecorder(
                next.index(), intendedNanos, clock.nanoTime(), job.exactTokens(), underWay.size(), this::ended);
        underWay.add(recorder);
        recorder.sentBy(client.post(route, next.bytes(), recorder));
    }

    private void ended(RequestRecorder recorder) {
        guarded(() -> {
            var last = underWay.removeLast();
            if (last != recorder) {
                underWay.set(recorder.slot(), last);
                last.moveTo(recorder.slot());
            }
            if (stop.isCut()) {
                finishIfDone();
                return;
            }
            refusedInARow = recorder.refused() ? refusedInARow + 1 : 0;
            if (refusedInARow >= REFUSED_IN_A_ROW) {
                noMore = true; // nothing listens there any more
            }
            switch (job.arrivals()) {
                case Arrivals.Closed _ -> sendNow(clock.nanoTime());
                case Arrivals.Open _ -> {
                    var blocked = blockedSince.poll();
                    if (blocked != null) {
                        sendNow(blocked);
                    }
                }
            }
            results.add(measurement(recorder));
            finishIfDone();
        });
    }

    private Measurement measurement(RequestRecorder recorder) {
        return recorder.measurement(job.block(), startEpochMicros + (recorder.startNanos() - startNanos) / 1000);
    }

    /** Looks at time limits and at the stop signal, now and then until all have ended. */
    private void look() {
        if (finished.isDone()) {
            return; // what a look would write is being read
        }
        if (stop.isCut()) {
            noMore = true;
            blockedSince.clear();
        }
        long now = clock.nanoTime();
        if (lookDueNanos != 0) {
            lags.add(Math.max(0, now - lookDueNanos) / 1e6);
        }
        for (var recorder : List.copyOf(underWay)) {
            if (stop.isCut() || recorder.passes(job.limits(), now)) {
                recorder.cancel();
            }
        }
        if (stop.isStopped()) {
            noMore = true;
        }
        finishIfDone();
        if (!finished.isDone()) {
            lookDueNanos = clock.nanoTime() + LOOK_NANOS;
            client.schedule(() -> guarded(this::look), LOOK_NANOS);
        }
    }

    private void finishIfDone() {
        if (noMore && underWay.isEmpty() && (blockedSince.isEmpty() || stop.isStopped())) {
            finished.complete(null);
        }
    }

    private void guarded(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException failure) {
            noMore = true;
            stop.cut();
            finished.completeExceptionally(failure);
        }
    }
}
