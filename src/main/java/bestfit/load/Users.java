package bestfit.load;

import bestfit.http.StreamClient;
import bestfit.time.NanoClock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What the users of one run share: who sends which request, and how a request is sent and watched. Thread-safe. */
final class Users {
    private static final long LOOK_NANOS = 200_000_000;

    private final AtomicInteger taken = new AtomicInteger();
    private final StreamClient client;
    private final LoadTarget target;
    private final Map<String, String> headers;
    private final LoadPlan plan;
    private final SinkThread results;
    private final StopSignal stop;
    private final NanoClock clock;
    private final long anchorNanos;
    private final long anchorEpochMicros;

    Users(StreamClient client, LoadTarget target, LoadPlan plan, SinkThread results, StopSignal stop, NanoClock clock) {
        this.client = client;
        this.target = target;
        this.plan = plan;
        this.results = results;
        this.stop = stop;
        this.clock = clock;
        this.headers = new HashMap<>(target.headers());
        headers.put("Content-Type", "application/json");
        // one look at the wall clock: within a run, its steps move no time stamp
        anchorNanos = clock.nanoTime();
        anchorEpochMicros = System.currentTimeMillis() * 1000;
    }

    /** One user: sends request after request until there is none left or the run is stopped. */
    void sendInTurn() throws InterruptedException {
        while (!stop.isStopped()) {
            int turn = taken.getAndIncrement();
            if (turn >= plan.requests()) {
                return;
            }
            int index = plan.firstIndex() + turn;
            send(
                    index,
                    ChatRequest.body(
                            target.model(),
                            plan.prompts().prompt(index),
                            plan.options(),
                            index,
                            ThreadLocalRandom.current()));
        }
    }

    private void send(int index, byte[] body) throws InterruptedException {
        long startNanos = clock.nanoTime();
        var recorder = new RequestRecorder(startNanos);
        var call = client.post(target.chatCompletions(), headers, body, recorder);
        while (!recorder.awaitEnd(LOOK_NANOS)) {
            if (stop.isCut()) {
                call.cancel();
                return;
            }
            var limit = passedLimit(recorder, startNanos);
            if (limit != null) {
                recorder.timeOut(limit);
                call.cancel();
            }
        }
        if (!stop.isCut()) {
            results.add(
                    recorder.measurement(index, plan.block(), anchorEpochMicros + (startNanos - anchorNanos) / 1000));
        }
    }

    private @Nullable String passedLimit(RequestRecorder recorder, long startNanos) {
        long now = clock.nanoTime();
        if (now - startNanos > plan.options().limit().toNanos()) {
            return "not complete within " + seconds(plan.options().limit());
        }
        if (now - recorder.lastActivityNanos() > plan.options().silence().toNanos()) {
            return "no byte for " + seconds(plan.options().silence());
        }
        return null;
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }
}
