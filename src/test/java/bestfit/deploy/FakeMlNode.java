package bestfit.deploy;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

/**
 * gonka's MLNode as three of its builds were seen to answer (A August 2025, B June 2026, C July 2026), with stand-ins of
 * engines behind it and shorter times. The args say what a start does: {@code --fail}, {@code --fail-silently}, {@code
 * --lose-answer}.
 */
final class FakeMlNode implements AutoCloseable {
    enum Era {
        A,
        B,
        C
    }

    private static final long DEATH_MILLIS = 500;
    private static final long ANSWER_MILLIS = 250;
    private static final int ENGINES = 2;

    final AtomicInteger restarts = new AtomicInteger();
    final AtomicInteger ups = new AtomicInteger();

    private final Era era;
    private final Path log;
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
    private final int[] inFlight = new int[ENGINES];
    private final HttpServer inference;
    private volatile HttpServer management;
    private volatile String state = "STOPPED";
    private volatile String status = "not_started";
    private volatile String served = "";
    private volatile long opensAt = Long.MAX_VALUE;
    private volatile boolean doomed;
    private volatile boolean frozen;

    private FakeMlNode(Era era, Path log) throws IOException {
        this.era = era;
        this.log = log;
        this.inference = HttpServer.start(
                "127.0.0.1",
                0,
                HttpServer.Limits.DEFAULTS,
                new Router().post("/v1/chat/completions", this::complete).get("/metrics", this::metrics));
        this.management = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, routes());
    }

    static FakeMlNode start(Era era, Path log) throws IOException {
        return new FakeMlNode(era, log);
    }

    NodeAddress address() {
        return new NodeAddress(management.url(), inference.url());
    }

    private Router routes() {
        var router = new Router()
                .get("/api/v1/state", this::state)
                .post("/api/v1/inference/up", this::up)
                .post("/api/v1/inference/down", this::down)
                .post("/api/v1/stop", this::down)
                .get("/api/v1/inference/instances", exchange -> {
                    thaw();
                    exchange.json(404, Json.object().put("detail", "Not Found"));
                });
        if (era != Era.A) {
            router.get("/api/v1/inference/up/status", exchange -> {
                thaw();
                exchange.json(
                        200, Json.object().put("status", status).put("is_starting", status.equals("in_progress")));
            });
            router.get("/api/v1/gpu/devices", exchange -> {
                thaw();
                var body = Json.object();
                for (int i = 0; i < ENGINES; i++) {
                    body.withArray("devices")
                            .addObject()
                            .put("index", i)
                            .put("name", "NVIDIA L4")
                            .put("total_memory_mb", 23034);
                }
                exchange.json(200, body.put("count", ENGINES));
            });
        }
        return router;
    }

    private void state(Exchange exchange) {
        thaw();
        var body = Json.object().put("state", state);
        if (era == Era.C) {
            body.put("version", "0.2.0").put("poc_status", "IDLE").put("inference_healthy", true);
        }
        exchange.json(200, body);
    }

    private void up(Exchange exchange) throws IOException {
        ups.incrementAndGet();
        if (era != Era.A && state.equals("INFERENCE")) {
            exchange.json(
                    409, Json.object().put("detail", "VLLM is already running. Use /inference/down to stop it first."));
            return;
        }
        var asked = Json.parse(new String(exchange.body(), java.nio.charset.StandardCharsets.UTF_8));
        var args = asked.path("additional_args").toString();
        var name = Pattern.compile("\"--served-model-name\",\"([^\"]*)\"").matcher(args);
        served = name.find() ? name.group(1) : asked.path("model").stringValue();
        if (args.contains("--fail-silently")) {
            fail(exchange, "");
        } else if (args.contains("--fail")) {
            fail(exchange, """
                    (EngineCore pid=7) ERROR 11-24 02:51:35 [core.py:1510] torch.OutOfMemoryError: CUDA out of memory.
                    RuntimeError: Engine core initialization failed. See root cause above.
                    """);
        } else if (args.contains("--lose-answer")) {
            status = "in_progress";
            after(700, this::serve);
            exchange.stream(200, Map.of("Content-Type", "application/json")).abort();
        } else {
            serve();
            exchange.json(200, Json.object().put("status", "OK"));
        }
    }

    private void serve() {
        opensAt = System.nanoTime();
        state = "INFERENCE";
        status = "completed";
    }

    private void fail(Exchange exchange, String lines) throws IOException {
        Files.writeString(log, lines, StandardOpenOption.APPEND);
        status = "failed";
        doomed = true;
        after(DEATH_MILLIS, this::dieIfDoomed);
        var message = "vLLM process exited prematurely: None";
        exchange.json(
                era == Era.A ? 200 : 500,
                era == Era.A
                        ? Json.object().put("status", "ERROR").put("message", message)
                        : Json.object().put("detail", message));
    }

    private void down(Exchange exchange) {
        thaw();
        state = "STOPPED";
        opensAt = Long.MAX_VALUE;
        doomed &= era == Era.A; // which does not forget
        exchange.json(200, Json.object().put("status", "OK"));
    }

    /** Answers nothing for a while, then ends and comes back, as B and C do after an engine's crash. */
    void freezeAndRestart(long millis) {
        frozen = true;
        doomed = true;
        after(millis, this::dieIfDoomed);
    }

    private void thaw() {
        while (frozen) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private void dieIfDoomed() {
        if (doomed) {
            int port = management.port();
            management.close(); // what was asked while it was frozen is never answered
            frozen = false;
            doomed = false;
            state = "STOPPED";
            status = "not_started";
            opensAt = Long.MAX_VALUE;
            after(DEATH_MILLIS, () -> {
                try {
                    management = HttpServer.start("127.0.0.1", port, HttpServer.Limits.DEFAULTS, routes());
                    restarts.incrementAndGet();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
    }

    private void after(long millis, Runnable what) {
        var scheduled = later.schedule(what, millis, TimeUnit.MILLISECONDS);
        assert !scheduled.isCancelled();
    }

    /** The port opens some time after the start was called OK, the second engine is ready later still. */
    private int take() {
        long open = (System.nanoTime() - opensAt) / 1_000_000;
        if (opensAt == Long.MAX_VALUE || open < 200) {
            return -1;
        }
        synchronized (inFlight) {
            int engine = open > 700 && inFlight[1] < inFlight[0] ? 1 : 0;
            inFlight[engine]++;
            return engine;
        }
    }

    private void complete(Exchange exchange) {
        var asked = Json.parse(new String(exchange.body(), java.nio.charset.StandardCharsets.UTF_8));
        if (!asked.path("model").asString("").equals(served)) {
            exchange.json(404, Json.object().put("error", "The model does not exist."));
            return;
        }
        int engine = take();
        if (engine < 0) {
            exchange.text(503, "No vLLM backend available");
            return;
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ANSWER_MILLIS);
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
        release(engine);
        exchange.json(200, Json.object().put("engine", engine));
    }

    private void metrics(Exchange exchange) {
        int engine = take();
        if (engine < 0) {
            exchange.text(503, "No vLLM backend available");
            return;
        }
        release(engine);
        // Started in the same tick of the clock, as one script starts them.
        exchange.text(
                200,
                "process_start_time_seconds 1.78e+09\nvllm:prompt_tokens_created{engine=\"0\"} 1.780000012" + engine
                        + "e+09\n");
    }

    private void release(int engine) {
        synchronized (inFlight) {
            inFlight[engine]--;
        }
    }

    @Override
    public void close() {
        later.shutdownNow();
        management.close();
        inference.close();
    }
}
