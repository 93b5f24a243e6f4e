package bestfit.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Relays made-up streams on loopback, so that the first real requests find the relay's code loaded and compiled: they would
 * take tens of milliseconds longer otherwise. Once a process.
 */
public final class RelayWarmUp {
    private static final int CONNECTIONS = 320;
    private static final int REQUESTS_EACH = 2;
    private static final int AT_ONCE = 16;
    private static final int CHUNKS = 6;
    private static final int PATIENCE_MILLIS = 5_000;
    private static final byte[] END = bytes("0\r\n\r\n");
    private static final String BODY = "{\"model\":\"m\",\"prompt\":\"warm\",\"stream\":true}";
    private static final byte[] REQUEST = bytes("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: " + BODY.length()
            + "\r\n\r\n" + BODY);

    private static final AtomicReference<@Nullable CompletableFuture<Void>> RUN = new AtomicReference<>();

    private RelayWarmUp() {}

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Begins it on a thread of its own, if nobody has.
     *
     * @param relay makes the handler that is to be warm, for an engine at an address
     */
    public static void begin(Function<Relay.Upstream, Handler> relay) {
        CompletableFuture<Void> mine = new CompletableFuture<>();
        if (RUN.compareAndSet(null, mine)) {
            Thread.ofVirtual().start(() -> {
                try {
                    run(relay);
                } finally {
                    mine.complete(null);
                }
            });
        }
    }

    /** Until it is over, if it was begun. Never fails: a relay that is not warm is only slow at first. */
    public static void await() {
        CompletableFuture<Void> begun = RUN.get();
        if (begun != null) {
            begun.join();
        }
    }

    private static void run(Function<Relay.Upstream, Handler> make) {
        byte[] chunk = bytes("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"warm\"}}]}\n\n");
        Router engine = new Router().post("/v1/*", exchange -> {
            Exchange.BodyStream body = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
            for (int i = 0; i < CHUNKS; i++) {
                body.write(chunk);
            }
            body.end();
        });
        try (HttpServer upstream = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, engine);
                HttpServer relay = HttpServer.start(
                        "127.0.0.1",
                        0,
                        HttpServer.Limits.DEFAULTS,
                        new Router().on("*", "/*", make.apply(new Relay.Upstream("127.0.0.1", upstream.port()))))) {
            ask(relay.port());
            // What the start left behind goes now, and not by a pause in the midst of the first streams.
            System.gc();
        } catch (IOException noLoopback) {
            // It is an aid, not a duty.
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    /** A plain client: what it costs is not what is to be warmed. */
    private static void ask(int port) throws InterruptedException {
        AtomicInteger left = new AtomicInteger(CONNECTIONS);
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
            clients.add(Thread.ofVirtual().start(() -> {
                byte[] answer = new byte[16 << 10];
                while (left.getAndDecrement() > 0) {
                    askOn(port, answer);
                }
            }));
        }
        for (Thread client : clients) {
            client.join();
        }
    }

    private static void askOn(int port, byte[] answer) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.setTcpNoDelay(true);
            for (int i = 0; i < REQUESTS_EACH; i++) {
                socket.getOutputStream().write(REQUEST);
                int count = 0;
                while (!endsAnswer(answer, count)) {
                    int read = socket.getInputStream().read(answer, count, answer.length - count);
                    if (read <= 0) {
                        return;
                    }
                    count += read;
                }
            }
        } catch (IOException lost) {
            // One less.
        }
    }

    private static boolean endsAnswer(byte[] answer, int count) {
        int from = count - END.length;
        return from >= 0 && Arrays.equals(answer, from, count, END, 0, END.length);
    }
}
