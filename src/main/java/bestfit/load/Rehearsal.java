package bestfit.load;

import bestfit.workload.Extent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;

/**
 * Runs the client against a stub in this process before it measures: a JVM that has just started would add tens of
 * milliseconds to the first requests, which are the client's and not the server's.
 */
final class Rehearsal {
    /** So many that what is done once a connection is compiled too. */
    private static final int USERS = 256;

    private static final int ROUNDS = 2;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private Rehearsal() {}

    static void of(LoadGenerator generator) throws InterruptedException {
        var body = ("{\"stream\":true" + (char) RehearsalStub.LAST_BYTE).getBytes(StandardCharsets.UTF_8);
        var job = new LoadJob(
                (_, _) -> Dialogue.single(body, RehearsalStub.EVENTS),
                USERS * ROUNDS,
                new Arrivals.Closed(USERS, Duration.ZERO),
                new Extent.Requests(USERS * ROUNDS),
                new TimeLimits(LIMIT, LIMIT, LIMIT, LIMIT),
                Duration.ZERO,
                0,
                new BitSet(),
                -1);
        try (var stub = RehearsalStub.start(USERS, ROUNDS)) {
            generator.run(new LoadTarget(stub.url(), "stub"), LoadTarget.CHAT, job, _ -> {}, new StopSignal());
        } catch (IOException e) {
            throw new UncheckedIOException("The load generator could not rehearse on 127.0.0.1", e);
        }
    }
}
