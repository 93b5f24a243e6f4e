package bestfit.node;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Looks whether TCP ports are free. Another program can take one right after, so binding may still fail. */
final class Ports {
    private static final int LOWEST = 10_000;

    /** Linux gives ports from here to outgoing connections, which would clash at random. */
    private static final int END = 32_768;

    private static final int MOST_TRIES = 1_000;

    private Ports() {}

    /** True if every address of this machine could be bound. */
    static boolean free(int port) {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(port));
            return true;
        } catch (IOException taken) {
            return false;
        }
    }

    /** A port P with P … P+{@code above} free, all below 32768. */
    static int freeRange(int above, RandomGenerator random) throws IOException {
        for (int i = 0; i < MOST_TRIES; i++) {
            int first = random.nextInt(LOWEST, END - above);
            if (IntStream.rangeClosed(first, first + above).allMatch(Ports::free)) {
                return first;
            }
        }
        throw new IOException("no " + (above + 1) + " neighbouring free ports between " + LOWEST + " and " + END);
    }
}
