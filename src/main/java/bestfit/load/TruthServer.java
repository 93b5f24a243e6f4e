package bestfit.load;

import bestfit.config.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A stand-in for an engine that knows the truth: it streams each answer by a schedule and keeps when it wrote every event.
 * One thread. A token is a word; an answer has as many tokens as it was asked for, one event a token.
 */
public final class TruthServer implements AutoCloseable {
    public static final String MODEL = "truth";

    private static final int MOST_TOKENS = 1_000_000;
    private static final long SPIN_NANOS = 60_000;

    /**
     * When events are due: the first {@code ttftNanos} after the request was read, each later one {@code tpotNanos} after.
     *
     * @param noise standard deviation of the logarithm of a factor that each request's times have; 0 is none
     * @param seed of the noise
     */
    public record Pace(long ttftNanos, long tpotNanos, double noise, long seed) {}

    /** Bytes that were read, and when. */
    private record Arrival(SelectionKey key, TruthConnection connection, long nanos) {}

    private final ServerSocketChannel listener;
    private final Selector selector;
    private final Pace pace;
    private final Thread thread;
    private final PriorityQueue<TruthStream> due = new PriorityQueue<>();
    private final Queue<Arrival> arrivals = new ArrayDeque<>();
    private final ByteBuffer in = ByteBuffer.allocateDirect(256 << 10);
    private List<TruthRequest> log = new ArrayList<>();
    private SplittableRandom random;
    private volatile boolean open = true;

    private TruthServer(ServerSocketChannel listener, Selector selector, Pace pace) {
        this.listener = listener;
        this.selector = selector;
        this.pace = pace;
        this.random = new SplittableRandom(pace.seed());
        this.thread = Thread.ofPlatform().daemon().name("bestfit-truth").unstarted(this::serve);
    }

    /** Listens on loopback; port 0 takes a free one. */
    public static TruthServer start(int port, Pace pace) throws IOException {
        var listener = ServerSocketChannel.open();
        listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 4096);
        listener.configureBlocking(false);
        var selector = Selector.open();
        listener.register(selector, SelectionKey.OP_ACCEPT);
        var server = new TruthServer(listener, selector, pace);
        server.thread.start();
        return server;
    }

    public String url() throws IOException {
        return "http://127.0.0.1:" + ((InetSocketAddress) listener.getLocalAddress()).getPort();
    }

    /** What was written since the last call; requests still open are not in it. */
    public synchronized List<TruthRequest> takeLog() {
        var taken = log;
        log = new ArrayList<>();
        random = new SplittableRandom(pace.seed());
        return taken;
    }

    private void serve() {
        try {
            while (open) {
                await();
                for (var ready = selector.selectedKeys().iterator(); ready.hasNext(); ready.remove()) {
                    handle(ready.next());
                }
                writeDue();
                // one at a time, so that what comes meanwhile does not wait for its time stamp
                var arrival = arrivals.poll();
                if (arrival != null) {
                    answer(arrival);
                }
            }
        } catch (IOException closed) {
            // the listener is gone, and so is the server
        } finally {
            selector.keys().forEach(TruthServer::close);
            close(selector);
        }
    }

    private void await() throws IOException {
        var next = due.peek();
        if (!arrivals.isEmpty()) {
            selector.selectNow();
        } else if (next == null) {
            selector.select(100);
        } else {
            await(next.dueNanos() - System.nanoTime());
        }
    }

    /** A selector waits whole milliseconds; the rest is waited for in short pauses, looking at the sockets between. */
    private void await(long left) throws IOException {
        if (left >= 1_500_000) {
            selector.select(left / 1_000_000);
        } else if (selector.selectNow() == 0 && left > SPIN_NANOS) {
            LockSupport.parkNanos(Math.min(left - SPIN_NANOS, 200_000));
        }
    }

    private void handle(SelectionKey key) {
        try {
            if (key.isAcceptable()) {
                var connection = listener.accept();
                if (connection != null) {
                    connection.configureBlocking(false);
                    connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
                    handle(connection.register(selector, SelectionKey.OP_READ, new TruthConnection(connection)));
                }
            } else if (key.attachment() instanceof TruthConnection connection) {
                if (key.isWritable()) {
                    connection.flush(key);
                }
                read(key, connection);
            }
        } catch (IOException clientGone) {
            close(key);
        }
    }

    private void read(SelectionKey key, TruthConnection connection) throws IOException {
        in.clear();
        if (connection.read(in) < 0) {
            throw new ClosedChannelException();
        }
        if (in.flip().hasRemaining()) {
            arrivals.add(new Arrival(key, connection, System.nanoTime()));
            connection.append(in);
        }
    }

    private void answer(Arrival arrival) {
        try {
            for (var request = arrival.connection().next();
                    request != null;
                    request = arrival.connection().next()) {
                answer(arrival.key(), arrival.connection(), request, arrival.nanos());
            }
        } catch (IOException clientGone) {
            close(arrival.key());
        }
    }

    private void answer(SelectionKey key, TruthConnection connection, TruthConnection.Request request, long now)
            throws IOException {
        var body = parsed(request.body());
        switch (request.path()) {
            case "/v1/chat/completions", "/v1/completions" -> {
                if (body.path("stream").asBoolean(false)) {
                    begin(key, connection, request, body, now);
                } else {
                    connection.respond(key, 400, "{\"error\":{\"message\":\"this server only streams\"}}");
                }
            }
            case "/v1/models" ->
                connection.respond(
                        key, 200, "{\"object\":\"list\",\"data\":[{\"id\":\"" + MODEL + "\",\"object\":\"model\"}]}");
            case "/tokenize" ->
                connection.respond(
                        key, 200, "{\"count\":" + words(body) + ",\"max_model_len\":" + 16 * MOST_TOKENS + "}");
            case "/health", "/version", "/ping", "/metrics" -> connection.respond(key, 200, "{}");
            default -> connection.respond(key, 404, "{\"error\":{\"message\":\"unknown path\"}}");
        }
    }

    private void begin(
            SelectionKey key, TruthConnection connection, TruthConnection.Request request, JsonNode body, long now)
            throws IOException {
        int tokens = Math.clamp(
                body.path("max_tokens").asInt(body.path("max_completion_tokens").asInt(16)), 1, MOST_TOKENS);
        double first = 1;
        double each = 1;
        if (pace.noise() > 0) {
            first = Math.exp(pace.noise() * random.nextGaussian());
            each = Math.exp(pace.noise() * random.nextGaussian());
        }
        due.add(new TruthStream(
                key,
                connection,
                new TruthStream.Asked(
                        request.path().contains("chat"),
                        body.at("/stream_options/include_usage").asBoolean(false),
                        words(body),
                        tokens),
                new TruthStream.Times(now, now + (long) (first * pace.ttftNanos()), (long) (each * pace.tpotNanos()))));
    }

    private void writeDue() {
        for (var stream = due.peek(); stream != null && stream.dueNanos() <= System.nanoTime(); stream = due.peek()) {
            due.poll();
            try {
                boolean last = stream.atLast();
                stream.stamp();
                if (last) {
                    keep(stream.request()); // before the client can know that it ended
                }
                stream.write();
                if (!last) {
                    due.add(stream);
                }
            } catch (IOException clientGone) {
                close(stream.key());
            }
        }
    }

    private synchronized void keep(TruthRequest request) {
        log.add(request);
    }

    private static JsonNode parsed(String body) {
        try {
            return body.isEmpty() ? Json.object() : Json.parse(body);
        } catch (JacksonException notJson) {
            return Json.object();
        }
    }

    /** A prompt's tokens: the words of the prompt, or of all messages. */
    private static int words(JsonNode body) {
        var prompt = body.path("prompt");
        if (prompt.isArray()) {
            return prompt.size();
        }
        if (prompt.isString()) {
            return words(prompt.stringValue());
        }
        int count = 0;
        for (var message : body.path("messages")) {
            count += words(message.path("content").asString(""));
        }
        return count;
    }

    private static int words(String text) {
        int count = 0;
        boolean inside = false;
        for (int i = 0; i < text.length(); i++) {
            boolean letter = text.charAt(i) > ' ';
            count += letter && !inside ? 1 : 0;
            inside = letter;
        }
        return count;
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void close(SelectionKey key) {
        key.cancel();
        if (key.channel() instanceof SocketChannel connection) {
            close(connection);
        }
    }

    private static void close(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception closedAnyway) {
            // nothing to keep
        }
    }

    @Override
    public void close() {
        open = false;
        selector.wakeup();
        close(listener);
    }
}
