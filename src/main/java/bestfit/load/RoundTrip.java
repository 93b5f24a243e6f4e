package bestfit.load;

import bestfit.metrics.Summary;
import bestfit.time.NanoClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.Optional;

/**
 * How long the network takes to a server and back, which every time to the first token holds: the time that a TCP
 * connection takes to be made, several in turn.
 *
 * @param leastMillis of all
 * @param meanMillis of all
 * @param jitterMillis their standard deviation
 */
public record RoundTrip(double leastMillis, double meanMillis, double jitterMillis) {
    private static final int CONNECTIONS = 20;
    private static final int PATIENCE_MILLIS = 2000;
    private static final long MOST_NANOS = 1_000_000_000;

    /** To the target's first server, within a second or so; empty where fewer than two connections were made. */
    public static Optional<RoundTrip> to(LoadTarget target) {
        var url = URI.create(target.baseUrl());
        int port = url.getPort() >= 0 ? url.getPort() : "https".equals(url.getScheme()) ? 443 : 80;
        var millis = new ArrayList<Double>();
        try {
            var address = new InetSocketAddress(InetAddress.getByName(url.getHost()), port);
            long begin = NanoClock.SYSTEM.nanoTime();
            while (millis.size() < CONNECTIONS && NanoClock.SYSTEM.nanoTime() - begin < MOST_NANOS) {
                try (var socket = new Socket()) {
                    long start = NanoClock.SYSTEM.nanoTime();
                    socket.connect(address, PATIENCE_MILLIS);
                    millis.add((NanoClock.SYSTEM.nanoTime() - start) / 1e6);
                }
            }
        } catch (IOException unreachable) {
            // the run itself tells that
        }
        if (millis.size() < 2) {
            return Optional.empty();
        }
        var summary = Summary.of(millis);
        double least = millis.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        return Optional.of(new RoundTrip(least, summary.mean(), summary.sd()));
    }
}
