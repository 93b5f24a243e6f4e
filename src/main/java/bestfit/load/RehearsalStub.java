package bestfit.load;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A server that answers as an engine does, one event a write to every connection in turn, on one thread and with little
 * work of its own: what it leaves of a core is the client's. It reads requests that end with {@link #LAST_BYTE}. At first
 * it rests after each write, so that the client is woken for one event, as by streams that began one after another; then
 * events come faster than that.
 */
final class RehearsalStub implements AutoCloseable {
    static final byte LAST_BYTE = '}';
    static final int EVENTS = 24;

    private static final int SLOW_EVENTS = 7;

    /** On a busy machine a rest may last a hundred times as long as asked for. */
    private static final long SLOW_NANOS = 600_000_000;

    /** Long enough for the client to have read and to wait again. */
    private static final long REST_NANOS = 40_000;

    private static final byte[] HEAD = bytes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n"
            + chunk(
                    "{\"id\":\"chatcmpl-00000000000000000000000000000000\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                            + "\"model\":\"stub\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                            + "\"logprobs\":null,\"finish_reason\":null}],\"prompt_token_ids\":null}"));
    private static final byte[] EVENT = bytes(chunk(
            "{\"id\":\"chatcmpl-00000000000000000000000000000000\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                    + "\"model\":\"stub\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,"
                    + "\"finish_reason\":null,\"token_ids\":null}]}"));
    private static final byte[] END =
            bytes(chunk("{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":" + (EVENTS + 1)
                            + ",\"completion_tokens\":" + EVENTS + "}}")
                    + chunk("[DONE]") + "0\r\n\r\n");

    private final ServerSocketChannel listener;
    private final Thread thread;

    private RehearsalStub(ServerSocketChannel listener, int connections, int rounds) {
        this.listener = listener;
        this.thread =
                Thread.ofPlatform().daemon().name("bestfit-rehearsal").unstarted(() -> serve(connections, rounds));
    }

    /** Serves so many requests on each of so many connections. */
    static RehearsalStub start(int connections, int rounds) throws IOException {
        // room for all: on a single core they connect before the first is accepted, and try again only after a second
        var listener = ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), connections);
        var stub = new RehearsalStub(listener, connections, rounds);
        stub.thread.start();
        return stub;
    }

    String url() throws IOException {
        var address = (InetSocketAddress) listener.getLocalAddress();
        return "http://127.0.0.1:" + address.getPort();
    }

    private void serve(int count, int rounds) {
        var connections = new ArrayList<SocketChannel>();
        try {
            for (int i = 0; i < count; i++) {
                connections.add(listener.accept());
            }
            var request = ByteBuffer.allocateDirect(4096);
            long slowUntil = System.nanoTime() + SLOW_NANOS;
            for (int round = 0; round < rounds; round++) {
                for (var connection : connections) {
                    readRequest(connection, request);
                }
                writeToAll(connections, HEAD, round == 0 && System.nanoTime() < slowUntil);
                for (int event = 0; event < EVENTS; event++) {
                    boolean slow = round == 0 && event < SLOW_EVENTS && System.nanoTime() < slowUntil;
                    writeToAll(connections, EVENT, slow);
                }
                writeToAll(connections, END, false);
            }
        } catch (IOException closed) {
            // the rehearsal was given up
        } finally {
            connections.forEach(RehearsalStub::close);
        }
    }

    private static void readRequest(SocketChannel connection, ByteBuffer into) throws IOException {
        do {
            into.clear();
            if (connection.read(into) < 0) {
                throw new IOException("closed");
            }
        } while (into.get(into.position() - 1) != LAST_BYTE);
    }

    private static void writeToAll(List<SocketChannel> connections, byte[] bytes, boolean slow) throws IOException {
        var out = ByteBuffer.allocateDirect(bytes.length).put(bytes);
        for (var connection : connections) {
            out.flip();
            while (out.hasRemaining()) {
                connection.write(out);
            }
            if (slow) {
                LockSupport.parkNanos(REST_NANOS);
            }
        }
    }

    private static String chunk(String data) {
        var event = "data: " + data + "\n\n";
        return Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
    }

    private static byte[] bytes(String ascii) {
        return ascii.getBytes(StandardCharsets.US_ASCII);
    }

    private static void close(SocketChannel connection) {
        try {
            connection.close();
        } catch (IOException closedAnyway) {
            // nothing to keep
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
