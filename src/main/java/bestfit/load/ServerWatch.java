package bestfit.load;

import bestfit.http.HttpClient;
import bestfit.time.NanoClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Reads the counters of the servers under test before, now and then during, and after a run. */
public final class ServerWatch implements AutoCloseable {
    private static final Duration PERIOD = Duration.ofSeconds(1);

    private final HttpClient http;
    private final LoadTarget target;
    private final ServerCounters before;
    private final List<ServerCounters> during = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread thread;

    /**
     * What was read.
     *
     * @param during once a second
     */
    public record Seen(ServerCounters before, List<ServerCounters> during, ServerCounters after) {
        /** How much a counter grew; empty if the server does not tell it. */
        public Optional<Double> growth(String... names) {
            return after.value(names).map(value -> value - before.value(names).orElse(0.0));
        }
    }

    private ServerWatch(LoadTarget target, ServerCounters before) {
        this.target = target;
        this.http = new HttpClient(target.tls());
        this.before = before;
        this.thread = Thread.ofVirtual().name("bestfit-metrics").unstarted(this::look);
    }

    /** Null where the servers do not tell. */
    public static @Nullable ServerWatch start(LoadTarget target) {
        var first = ServerCounters.read(new HttpClient(target.tls()), target, NanoClock.SYSTEM.nanoTime());
        if (first.isEmpty()) {
            return null;
        }
        var watch = new ServerWatch(target, first.get());
        watch.thread.start();
        return watch;
    }

    private void look() {
        try {
            while (!ended.await(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
                ServerCounters.read(http, target, NanoClock.SYSTEM.nanoTime()).ifPresent(during::add);
            }
        } catch (InterruptedException goingDown) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Ends the watch. Empty if the servers no longer tell, or not always the same ones did: behind a balanced port each look
     * meets another engine, and the difference between two engines' counters is no growth.
     */
    public Optional<Seen> seen() throws InterruptedException {
        close();
        thread.join();
        return ServerCounters.read(http, target, NanoClock.SYSTEM.nanoTime())
                .map(after -> new Seen(before, List.copyOf(during), after))
                .filter(ServerWatch::ofTheSame);
    }

    private static boolean ofTheSame(Seen seen) {
        var born = seen.before().born();
        return seen.after().born().equals(born)
                && seen.during().stream().allMatch(each -> each.born().equals(born));
    }

    @Override
    public void close() {
        ended.countDown();
    }
}
