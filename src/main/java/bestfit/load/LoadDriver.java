package bestfit.load;

import bestfit.http.StreamClient;
import bestfit.metrics.Measurement;
import bestfit.time.NanoClock;
import bestfit.workload.SendSchedule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Sends the requests of one run and watches their time limits. Confined to the client's event loop but for {@link #start}. */
final class LoadDriver {
    private static final long LOOK_NANOS = 20_000_000;

    /** A time limit is noticed by this part of the shortest one late: to look at each request costs as much as an event of it. */
    private static final int LIMIT_SHARE = 10;

    /** So often the pace of all that is under way is looked at, which costs as much. */
    private static final long PACE_NANOS = 3 * LOOK_NANOS;

    /** Users who began faster than a server reads requests would be a queue in front of it, and again when their answers end. */
    private static final long USER_GAP_NANOS = 20_000;

    /** But all begin within this time, so that the first still wait for their answers when the last begin. */
    private static final long ALL_BEGUN_NANOS = 10_000_000;

    /** So early may some be; then the thread sleeps, which costs little and is never too short. */
    private static final long MOST_EARLY_NANOS = 100_000;

    private static final int REFUSED_IN_A_ROW = 200;
    private static final long TIMER_LATE_NANOS = 100_000;

    /** Waiting awake may take one part in so many of the run's time. */
    private static final int MOST_AWAKE = 5;

    /** Those of the last hours: a run may go on for weeks. */
    private static final int MOST_LAGS = 500_000;

    private final StreamClient client;
    private final LoadJob job;
    private final PreparedRequests requests;
    private final SinkThread results;
    private final StopSignal stop;
    private final NanoClock clock;
    private final CompletableFuture<@Nullable Void> finished = new CompletableFuture<>();
    private final List<RequestRecorder> underWay = new ArrayList<>();
    private final Queue<Double> lags = new ArrayDeque<>();
    private final Queue<Blocked> blocked = new ArrayDeque<>();
    private final BitSet waited = new BitSet();
    private long startNanos;
    private long startEpochMicros;
    private int yetToBegin;
    private int due;
    private boolean awake;
    private long awakeNanos;
    private int thinking;
    private int refusedInARow;
    private long answeredNanos;
    private int answered;
    private boolean noMore;
    private boolean gaveUp;
    private long lookDueNanos;
    private long limitsDueNanos;
    private long paceDueNanos;

    /** What is due and waits for a place; without an ask, a new dialogue. */
    private record Blocked(long intendedNanos, @Nullable Ask ask) {}

    LoadDriver(
            StreamClient client,
            LoadJob job,
            PreparedRequests requests,
            SinkThread results,
            StopSignal stop,
            NanoClock clock) {
        this.client = client;
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

    /** Numbers of the requests that waited for a place, which is no fault of the client's; to be called when all has ended. */
    BitSet waited() {
        return waited;
    }

    private void begin() {
        client.gather(0); // as long as nothing is known of this run's requests, and throughout an open loop
        startNanos = clock.nanoTime();
        limitsDueNanos = startNanos;
        paceDueNanos = startNanos;
        // one look at the wall clock: within a run, its steps move no time stamp
        var wall = Instant.now();
        startEpochMicros = wall.getEpochSecond() * 1_000_000 + wall.getNano() / 1000;
        switch (job.arrivals()) {
            case Arrivals.Closed(int users, var rampUp, var _) -> {
                if (rampUp.isZero()) {
                    begin(users);
                } else {
                    begin(users, rampUp.toNanos());
                }
            }
            case Arrivals.Open open -> sendDue(open);
        }
        look();
    }

    /** Lets the users begin before anything is read of their answers: none takes a second request while another has none. */
    private void begin(int users) {
        long gapNanos = Math.min(USER_GAP_NANOS, ALL_BEGUN_NANOS / users);
        long due = startNanos;
        for (int user = 0; user < users && !noMore; user++) {
            if (due - clock.nanoTime() > MOST_EARLY_NANOS) {
                LockSupport.parkNanos(due - clock.nanoTime());
            }
            long now = clock.nanoTime();
            due = Math.max(due, now) + gapNanos;
            beginNext(now);
        }
    }

    /** Lets the users begin one after another; a run that is over waits for none of them. */
    private void begin(int users, long rampUpNanos) {
        yetToBegin = users;
        for (int user = 0; user < users; user++) {
            long due = startNanos + rampUpNanos / users * user;
            client.schedule(
                    () -> guarded(() -> {
                        yetToBegin--;
                        if (!noMore) {
                            beginNext(due);
                            finishIfDone();
                        }
                    }),
                    Math.max(0, due - clock.nanoTime()));
        }
    }

    /** Runs later on the event loop; the run does not end before. */
    private void at(long dueNanos, Runnable action) {
        thinking++;
        client.schedule(
                () -> guarded(() -> {
                    thinking--;
                    action.run();
                    finishIfDone();
                }),
                Math.max(0, dueNanos - clock.nanoTime()));
    }

    /** Sends what is due and comes back when the next one is. */
    private void sendDue(Arrivals.Open open) {
        while (!noMore) {
            long offset = open.schedule().offsetNanos(due);
            if (offset == SendSchedule.END || isOver()) {
                noMore = true;
                break;
            }
            long early = startNanos + offset - clock.nanoTime();
            if (early > 0) {
                comeBack(open, early);
                return;
            }
            awake = false;
            due++;
            if (underWay.size() >= open.mostInFlight()) {
                blocked.add(new Blocked(startNanos + offset, null));
            } else {
                beginNext(startNanos + offset);
            }
        }
        finishIfDone();
    }

    /**
     * A timer rings about 50 µs late, which would send together what is due within that time. So it is set early, and the rest
     * is waited for awake, with a look at the sockets after each look at the clock, where that takes a small share of a core.
     */
    private void comeBack(Arrivals.Open open, long earlyNanos) {
        long wait = earlyNanos;
        if (earlyNanos > TIMER_LATE_NANOS) {
            wait -= TIMER_LATE_NANOS;
        } else if (awake || awakeNanos < (clock.nanoTime() - startNanos) / MOST_AWAKE) {
            awakeNanos += awake ? 0 : earlyNanos;
            awake = true;
            wait = 0;
        }
        client.schedule(() -> guarded(() -> sendDue(open)), wait);
    }

    private boolean isOver() {
        return gaveUp
                || stop.isStopped()
                || clock.nanoTime() - startNanos >= job.extent().mostNanos();
    }

    private void beginNext(long intendedNanos) {
        var next = isOver() ? null : take();
        if (next == null) {
            noMore = true;
        } else {
            send(Ask.first(next), intendedNanos);
        }
    }

    private PreparedRequests.@Nullable Prepared take() {
        try {
            return requests.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a request was made", e);
        }
    }

    private void send(Ask ask, long intendedNanos) {
        var bytes = ask.request();
        var recorder = new RequestRecorder(ask, intendedNanos, clock.nanoTime(), underWay.size(), this::ended);
        underWay.add(recorder);
        recorder.sentBy(client.post(ask.route(), bytes, recorder));
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
            if (recorder.succeeded()) {
                answered++;
                answeredNanos += recorder.nanos();
            }
            refusedInARow = recorder.refused() ? refusedInARow + 1 : 0;
            if (refusedInARow >= REFUSED_IN_A_ROW && pauseAfterFailure().isZero()) {
                gaveUp = true; // nothing listens there any more
                noMore = true;
            }
            boolean goesOn = recorder.succeeded() && !recorder.ask().isLast();
            if (goesOn) {
                think(recorder.ask().next(recorder.answer()));
            }
            switch (job.arrivals()) {
                case Arrivals.Closed _ -> {
                    if (!goesOn) {
                        beginAfter(recorder.succeeded() ? Duration.ZERO : pauseAfterFailure());
                    }
                }
                case Arrivals.Open open -> sendBlocked(open.mostInFlight());
            }
            results.add(measurement(recorder));
            if (!recorder.succeeded()) {
                leaveOut(recorder.ask());
            }
            finishIfDone();
        });
    }

    private Duration pauseAfterFailure() {
        return job.arrivals() instanceof Arrivals.Closed(int _, var _, var pause) ? pause : Duration.ZERO;
    }

    private void beginAfter(Duration pause) {
        long due = clock.nanoTime() + pause.toNanos();
        if (pause.isZero()) {
            beginNext(due);
        } else {
            at(due, () -> beginNext(due));
        }
    }

    /** The user sends its next turn after a while. */
    private void think(Ask next) {
        long due = clock.nanoTime() + job.thinkTime().toNanos();
        if (job.thinkTime().isZero()) {
            goOn(next, due);
        } else {
            at(due, () -> goOn(next, due));
        }
    }

    private void goOn(Ask next, long due) {
        if (isOver()) {
            noMore = true;
        } else if (job.arrivals() instanceof Arrivals.Open open && underWay.size() >= open.mostInFlight()) {
            blocked.add(new Blocked(due, next));
        } else {
            send(next, due);
        }
    }

    private void sendBlocked(int mostInFlight) {
        while (!blocked.isEmpty() && (underWay.size() < mostInFlight || isOver())) {
            var first = blocked.remove();
            var ask = stop.isStopped() ? null : ask(first);
            if (ask == null) {
                noMore = true;
            } else if (isOver()) { // what was due and found no place up to the end is counted as failed
                results.add(notSent(ask.index(), first.intendedNanos(), "no place was free until the run's end"));
            } else {
                waited.set(ask.index());
                send(ask, first.intendedNanos());
            }
        }
    }

    private @Nullable Ask ask(Blocked late) {
        var next = late.ask() == null ? take() : null;
        return next == null ? late.ask() : Ask.first(next);
    }

    /** The turns after one that failed are counted as failed too. */
    private void leaveOut(Ask failed) {
        for (int turn = failed.turn() + 1; turn < failed.talk().turns(); turn++) {
            results.add(notSent(failed.talk().index() + turn, clock.nanoTime(), "the turn before had failed"));
        }
    }

    private Measurement notSent(int index, long intendedNanos, String why) {
        long now = clock.nanoTime();
        return Measurement.notSent(index, job.block(), intendedNanos, now, epochMicros(now), why);
    }

    private long epochMicros(long nanos) {
        return startEpochMicros + (nanos - startNanos) / 1000;
    }

    private Measurement measurement(RequestRecorder recorder) {
        return recorder.measurement(job.block(), epochMicros(recorder.startNanos()));
    }

    /** Looks at time limits and at the stop signal, now and then until all have ended. */
    private void look() {
        if (finished.isDone()) {
            return; // what a look would write is being read
        }
        if (stop.isCut()) {
            noMore = true;
            blocked.clear();
        }
        long now = clock.nanoTime();
        if (lookDueNanos != 0) {
            lags.add(Math.max(0, now - lookDueNanos) / 1e6);
            if (lags.size() > MOST_LAGS) {
                lags.remove();
            }
        }
        if (stop.isCut() || now >= limitsDueNanos) {
            cancelLate(now);
            limitsDueNanos = now + job.limits().leastNanos() / LIMIT_SHARE;
        }
        if (stop.isStopped()) {
            noMore = true;
        }
        finishIfDone();
        if (!finished.isDone()) {
            if (job.arrivals() instanceof Arrivals.Closed && now >= paceDueNanos) {
                client.gather(gatherNanos(now));
                paceDueNanos = now + PACE_NANOS;
            }
            lookDueNanos = clock.nanoTime() + LOOK_NANOS;
            client.schedule(() -> guarded(this::look), LOOK_NANOS);
        }
    }

    private void cancelLate(long now) {
        for (var recorder : List.copyOf(underWay)) {
            if (stop.isCut() || recorder.passes(job.limits(), now)) {
                recorder.cancel();
            }
        }
    }

    private long gatherNanos(long now) {
        long requestNanos = answered == 0 ? now - startNanos : answeredNanos / answered;
        return GatherTime.nanos(requestNanos, thinking + yetToBegin > 0 ? List.of() : underWay, 2 * PACE_NANOS);
    }

    private void finishIfDone() {
        if (noMore && underWay.isEmpty() && (stop.isStopped() || (thinking == 0 && blocked.isEmpty()))) {
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
