package bestfit.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** What the core has for its answers until it hands it out. Owned by the core's thread. */
final class Outbox {
    /** Hundreds of answers take so long; a device whose next pass waits for the core does not idle for it ({@link GpuExecutor}). */
    private static final long WRITING_NANOS = 4_000_000;

    /** Sinks with new events, by who uses them; one with several may be there again, and finds nothing left. */
    private final Map<Executor, List<TokenSink>> touched = new LinkedHashMap<>();

    private boolean prepared;

    void add(TokenSink sink, TokenEvent event) {
        sink.add(event);
        touched.computeIfAbsent(sink.executor(), _ -> new ArrayList<>()).add(sink);
    }

    /** Has everything made ready for {@link #tellPrepared}, so that little is left to do then. */
    void prepare() {
        prepared = true;
        touched.forEach((executor, sinks) -> {
            var now = List.copyOf(sinks);
            executor.execute(() -> now.forEach(TokenSink::prepare));
        });
    }

    /** Hands out what was made ready and lets it be written before the core takes a processor for what it does next. */
    void tellPrepared() throws InterruptedException {
        if (prepared) {
            handOut().await(WRITING_NANOS, TimeUnit.NANOSECONDS);
        }
    }

    /**
     * One piece of work for each thread that answers, however many answers a step has: they keep their order and few threads wake.
     *
     * @return counted down by each of them when its answers are written
     */
    CountDownLatch handOut() {
        prepared = false;
        var told = new CountDownLatch(touched.size());
        touched.forEach((executor, sinks) -> executor.execute(() -> {
            sinks.forEach(TokenSink::drain);
            told.countDown();
        }));
        touched.clear();
        return told;
    }
}
