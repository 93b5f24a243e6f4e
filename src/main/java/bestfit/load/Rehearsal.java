package bestfit.load;

import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import bestfit.time.NanoClock;
import bestfit.workload.Extent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.Map;

/**
 * Runs the client against a stub in this process before it measures: a JVM that has just started would add hundreds of
 * milliseconds to the first requests, which are the client's and not the server's.
 */
final class Rehearsal {
    private static final long NANOS = 400_000_000L;
    private static final int REQUESTS = 24;
    private static final int USERS = 4;
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final byte[] EVENT =
            event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"},\"finish_reason\":null}]}");
    private static final byte[] USAGE =
            event("{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":2,\"completion_tokens\":1}}");
    private static final byte[] DONE = event("[DONE]");
    private static final int EVENTS = 20;

    private Rehearsal() {}

    static void of(LoadGenerator generator) throws InterruptedException {
        var router = new Router().post("/v1/chat/completions", Rehearsal::answer);
        try (var stub = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router)) {
            var target = new LoadTarget(stub.url(), "stub");
            var body = "{\"stream\":true}".getBytes(StandardCharsets.UTF_8);
            var job = new LoadJob(
                    _ -> body,
                    new Arrivals.Closed(USERS),
                    new Extent.Requests(REQUESTS),
                    new TimeLimits(LIMIT, LIMIT, LIMIT, LIMIT),
                    0,
                    0,
                    new BitSet(),
                    -1);
            long startNanos = NanoClock.SYSTEM.nanoTime();
            while (NanoClock.SYSTEM.nanoTime() - startNanos < NANOS) {
                generator.run(target, LoadTarget.CHAT, job, _ -> {}, new StopSignal());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The load generator could not rehearse on 127.0.0.1", e);
        }
    }

    private static void answer(Exchange exchange) {
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        for (int i = 0; i < EVENTS; i++) {
            stream.write(EVENT);
        }
        stream.write(USAGE);
        stream.write(DONE);
        stream.end();
    }

    private static byte[] event(String data) {
        return ("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
    }
}
