package bestfit.load;

import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/** Hands measurements to the sink on its own thread, several at once when they come faster than it is. */
final class SinkThread {
    private static final long GATHER_NANOS = 5_000_000;

    private sealed interface Item {}

    private record Ended(Measurement measurement) implements Item {}

    private record NoMore() implements Item {}

    private final BlockingQueue<Item> queue = new LinkedBlockingQueue<>();
    private final Deque<Measurement> taken = new ArrayDeque<>();
    private final MeasurementSink sink;
    private final StopSignal stop;

    private final int mostKept;

    /** @param mostKept how many of the newest {@link #taken} holds */
    SinkThread(MeasurementSink sink, StopSignal stop, int mostKept) {
        this.sink = sink;
        this.stop = stop;
        this.mostKept = mostKept;
    }

    void add(Measurement measurement) {
        queue.add(new Ended(measurement));
    }

    /** No more are added. */
    void end() {
        queue.add(new NoMore());
    }

    /** Works until {@link #end}; a failure of the sink cuts the run and is thrown. */
    void drain() throws InterruptedException {
        var items = new ArrayList<Item>();
        boolean more = true;
        while (more) {
            items.add(queue.take());
            // what ends at the same time is stored at once: woken for each, this thread would take the sender's core
            LockSupport.parkNanos(GATHER_NANOS);
            queue.drainTo(items);
            var batch = new ArrayList<Measurement>();
            for (var item : items) {
                switch (item) {
                    case Ended(var measurement) -> batch.add(measurement);
                    case NoMore() -> more = false;
                }
            }
            items.clear();
            store(batch);
        }
    }

    /** What reached the sink, the newest of it where it is much; to be called after {@link #drain} returned. */
    List<Measurement> taken() {
        return List.copyOf(taken);
    }

    private void store(List<Measurement> batch) {
        if (batch.isEmpty()) {
            return;
        }
        try {
            sink.acceptAll(batch);
        } catch (RuntimeException failure) {
            stop.cut();
            throw failure;
        }
        taken.addAll(batch);
        while (taken.size() > mostKept) {
            taken.removeFirst();
        }
    }
}
