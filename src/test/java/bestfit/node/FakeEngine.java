package bestfit.node;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A program with an engine's flags and endpoints that computes nothing, for tests of what starts and watches engines.
 * {@code --fake exit}: ends at start as vLLM does; {@code deaf}: never listens; {@code die:N}: ends at its N-th request with
 * exit code 0; {@code heir}: leaves a child that ignores polite signals.
 */
public final class FakeEngine {
    private static final long STARTED = System.nanoTime();
    private final List<String> args;
    private final AtomicBoolean healthy = new AtomicBoolean(true);
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger active = new AtomicInteger();
    private final CountDownLatch released = new CountDownLatch(1);

    private FakeEngine(List<String> args) {
        this.args = args;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        new FakeEngine(List.of(args)).run();
    }

    private void run() throws IOException, InterruptedException {
        var fake = flag("--fake");
        if (fake.equals("exit")) {
            System.err.println(
                    "(EngineCore pid=7) ERROR 11-24 02:51:35 [core.py:1510] torch.OutOfMemoryError: CUDA out of "
                            + "memory. Tried to allocate 2.00 GiB.");
            System.err.println("RuntimeError: Engine core initialization failed. See root cause above.");
            System.exit(1);
        }
        if (fake.equals("heir")) {
            new ProcessBuilder("sh", "-c", "trap '' INT TERM; sleep 300; sleep 300").start();
        }
        if (fake.equals("deaf")) {
            Thread.currentThread().join();
        }
        var router = new Router()
                .get("/health", exchange -> exchange.text(healthy.get() ? 200 : 503, ""))
                .post("/fake/sick", exchange -> {
                    healthy.set(false);
                    exchange.text(200, "");
                })
                .post("/fake/well", exchange -> {
                    healthy.set(true);
                    exchange.text(200, "");
                })
                .get("/v1/models", exchange -> exchange.json(200, Json.object()))
                .get("/v1/self", this::self)
                .get("/v1/slow", this::slow)
                .get("/v1/stream", this::stream)
                .get("/v1/held", this::held)
                .post("/fake/release", exchange -> {
                    released.countDown();
                    exchange.text(200, "");
                })
                .get("/fake/active", exchange -> exchange.text(200, Integer.toString(active.get())))
                .get("/metrics", exchange -> exchange.text(200, "process_start_time_seconds " + STARTED + "\n"))
                .post("/v1/chat/completions", this::complete)
                .post("/v1/completions", this::complete);
        HttpServer.start("127.0.0.1", Integer.parseInt(flag("--port")), HttpServer.Limits.DEFAULTS, router);
        System.err.println("INFO:     Application startup complete.");
        Thread.currentThread().join();
    }

    private String flag(String name) {
        int at = args.indexOf(name);
        return at < 0 ? "" : args.get(at + 1);
    }

    private void self(Exchange exchange) {
        var body = Json.object().put("pid", ProcessHandle.current().pid());
        body.put("devices", System.getenv("CUDA_VISIBLE_DEVICES"));
        var secret = System.getenv("SOME_API_KEY");
        body.put("secret", secret == null ? System.getenv("some_password") : secret);
        var list = body.putArray("args");
        args.forEach(list::add);
        exchange.json(200, body);
    }

    /** An answer that never ends by itself. */
    private void slow(Exchange exchange) {
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        stream.write("data: first\n\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    /** A first event at once, the last when {@code /fake/release} was called. */
    private void held(Exchange exchange) throws InterruptedException {
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        stream.write("data: first\n\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        released.await();
        stream.write("data: [DONE]\n\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        stream.end();
    }

    /** {@code ?n=N} events, one every 20 ms. */
    private void stream(Exchange exchange) throws InterruptedException {
        var left = new CountDownLatch(1);
        active.incrementAndGet();
        try {
            exchange.onClientGone(left::countDown);
            var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
            int count = exchange.query("n").map(Integer::valueOf).orElse(10);
            for (int i = 0; i < count; i++) {
                if (!stream.write(("data: " + i + "\n\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                        || left.await(20, TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
            stream.write("data: [DONE]\n\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            stream.end();
        } finally {
            active.decrementAndGet();
        }
    }

    private void complete(Exchange exchange) {
        if (flag("--fake").equals("die:" + requests.incrementAndGet())) {
            System.err.println("(EngineCore pid=7) ERROR 11-24 02:56:16 [core.py:1512] AssertionError: lost a block");
            Runtime.getRuntime().halt(0);
        }
        exchange.json(200, Json.object().put("object", "text_completion"));
    }
}
