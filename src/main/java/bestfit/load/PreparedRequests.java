package bestfit.load;

import bestfit.http.StreamClient.Route;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Requests made on a thread of their own before they are due, so that making them delays none. Thread-safe. */
final class PreparedRequests {
    /**
     * A dialogue with its first request as it goes over the wire.
     *
     * @param index number of that request
     * @param turns as many as are sent
     */
    record Prepared(int index, Dialogue dialogue, int turns, Route route, byte[] bytes) {}

    private static final long SMALL_BYTES = 16 << 20;

    private final Queue<Prepared> ready = new ArrayDeque<>();
    private final LoadJob job;
    private final List<Route> routes;
    private final int least;
    private final int most;
    private long readyBytes;
    private int refillAt;
    private boolean complete;
    private @Nullable RuntimeException failure;

    /**
     * @param least so many may wait to be sent however large they are
     * @param most so many may wait if together they are small
     */
    PreparedRequests(LoadJob job, List<Route> routes, int least, int most) {
        this.job = job;
        this.routes = routes;
        this.least = least;
        this.most = most;
    }

    /** Works until all are made or {@link #close}. */
    void make() throws InterruptedException {
        long last = job.firstIndex() + (long) job.extent().mostRequests(Integer.MAX_VALUE - job.firstIndex());
        try {
            int index = job.firstIndex();
            for (int made = 0; made < job.count() && index < last && isWanted(); made++) {
                int number = job.firstIndex() + made;
                var dialogue = job.dialogues().dialogue(number, index);
                int turns = (int) Math.min(dialogue.turns(), last - index);
                if (job.skip().nextClearBit(index) < index + turns) {
                    var route = routes.get(Math.floorMod(number, routes.size()));
                    put(new Prepared(index, dialogue, turns, route, route.request(dialogue.body(0, List.of()))));
                }
                index += turns;
            }
            end(null);
        } catch (RuntimeException cannotBeMade) {
            end(cannotBeMade);
        }
    }

    private synchronized void put(Prepared next) throws InterruptedException {
        if (isFull()) {
            // woken once for many, so that it does not take the core from the sender again and again
            refillAt = ready.size() / 2;
            while (ready.size() > refillAt && !complete) {
                wait();
            }
        }
        ready.add(next);
        readyBytes += next.bytes().length;
        if (ready.size() == 1 || isFull()) {
            notifyAll();
        }
    }

    private boolean isFull() {
        return ready.size() >= (readyBytes < SMALL_BYTES ? most : least);
    }

    private synchronized boolean isWanted() {
        return !complete;
    }

    private synchronized void end(@Nullable RuntimeException cause) {
        failure = cause;
        complete = true;
        notifyAll();
    }

    /** Returns once as many wait as may, or all are made. */
    synchronized void awaitFilled() throws InterruptedException {
        while (!isFull() && !complete) {
            wait();
        }
    }

    /**
     * The next one; waits where making is slower than sending. Null once none is left.
     *
     * @throws RuntimeException what making it threw
     */
    synchronized @Nullable Prepared take() throws InterruptedException {
        while (ready.isEmpty() && !complete) {
            wait();
        }
        var next = ready.poll();
        if (next == null && failure != null) {
            throw failure;
        }
        if (next != null) {
            readyBytes -= next.bytes().length;
        }
        if (ready.size() == refillAt) {
            notifyAll();
        }
        return next;
    }

    /** No more are taken. */
    void close() {
        end(null);
    }
}
