package bestfit.engine;

import bestfit.engine.EngineLog.Writer;
import bestfit.http.HeldPort;
import bestfit.http.HttpServer;
import bestfit.model.ModelSpec;
import bestfit.model.Tokenizer;
import bestfit.scheduler.Scheduler;
import bestfit.time.ScaledClock;
import java.io.IOException;
import java.net.BindException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The embedded engine: vLLM's API over a real scheduler and executor, in this process. Thread-safe. */
public final class EngineServer implements AutoCloseable {
    /** What every later request is told once the core has died. */
    static final String DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause.";

    /** vLLM's API process stays reachable, answering 503, for some seconds after its engine died. */
    private static final int DEAD_MILLIS = 1_000;

    /** Time for aborted answers to be written. */
    private static final int LAST_WORDS_MILLIS = 500;

    /** What requests need, fixed for the engine's life. */
    record Parts(
            EngineConfig config,
            ModelSpec spec,
            Tokenizer tokenizer,
            OrderMaker orders,
            EngineMetrics metrics,
            ScaledClock clock,
            EngineLog log) {

        /** vLLM's {@code system_fingerprint}: the version, and a hash of the configuration. */
        String fingerprint() {
            return "vllm-" + EngineApi.version(config.args())
                    + String.format("-%08x", config.args().given().hashCode());
        }
    }

    private final Parts parts;
    private final EngineCore core;
    private final HttpServer http;
    private final StatsLog stats;
    private final CompletableFuture<Integer> ended;

    private EngineServer(
            Parts parts, EngineCore core, HttpServer http, StatsLog stats, CompletableFuture<Integer> ended) {
        this.parts = parts;
        this.core = core;
        this.http = http;
        this.stats = stats;
        this.ended = ended;
    }

    /**
     * Takes the port, loads the model, warms up, and serves. Until then connections are refused.
     *
     * @throws StartFailure if model, args and devices do not go together
     * @throws BindException if the port is taken, before anything is loaded
     * @throws bestfit.config.ConfigException if the model's files cannot be used
     * @throws InterruptedException while it stays unready by {@code --fault never-ready}
     */
    public static EngineServer start(EngineArgs args, EngineLog log)
            throws StartFailure, IOException, InterruptedException {
        EngineStart.banner(args, log);
        try (var held = HeldPort.take(args.host(), args.port())) {
            return serve(EngineStart.of(args, log), held.port());
        }
    }

    private static EngineServer serve(EngineStart.Ready ready, int port) throws IOException {
        var parts = ready.parts();
        var log = parts.log();
        var ended = new CompletableFuture<Integer>();
        var core = new EngineCore(
                Scheduler.of(parts.config().scheduler()),
                ready.executor(),
                parts.metrics(),
                parts.clock(),
                IterationLog.of(parts.config().args(), log),
                cause -> died(cause, log, ended));
        core.start();
        var api = new EngineApi(parts, core);
        var args = parts.config().args();
        HttpServer http;
        try {
            http = HttpServer.start(args.host(), port, HttpServer.Limits.DEFAULTS, api.router());
        } catch (IOException taken) {
            core.close();
            throw taken;
        }
        log.info(Writer.API, "entry.py:136", "Supported tasks: ['generate']");
        log.info(Writer.API, "entry.py:140", "Starting vLLM server on " + http.url());
        log.info(Writer.API, "launcher.py:186", "Available routes are:");
        api.routes().forEach(route -> logRoute(log, route.split(" ", -1)));
        log.uvicorn("Started server process [" + ProcessHandle.current().pid() + "]");
        log.uvicorn("Waiting for application startup.");
        log.uvicorn("Application startup complete.");
        return new EngineServer(
                parts, core, http, StatsLog.start(parts.metrics(), args.logStats() ? log : EngineLog.SILENT), ended);
    }

    private static void logRoute(EngineLog log, String[] methodAndPath) {
        log.info(Writer.API, "launcher.py:195", "Route: " + methodAndPath[1] + ", Methods: " + methodAndPath[0]);
    }

    /** The process ends a second later with exit code 0, as vLLM's does. */
    private static void died(Throwable cause, EngineLog log, CompletableFuture<Integer> ended) {
        log.error(Writer.CORE, "core.py:1512", "EngineCore encountered a fatal error.");
        log.error(Writer.CORE, "core.py:1512", text(cause));
        log.error(Writer.API, "async_llm.py:906", "AsyncLLM output_handler failed.");
        log.error(Writer.API, "async_llm.py:906", "vllm.v1.engine.exceptions.EngineDeadError: " + DEAD);
        ended.completeOnTimeout(0, DEAD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** A Java exception's class says nothing to who reads vLLM's logs, unless it is all there is. */
    private static String text(Throwable cause) {
        return cause.getMessage() == null || cause instanceof Error ? cause.toString() : cause.getMessage();
    }

    public String url() {
        return http.url();
    }

    public int port() {
        return http.port();
    }

    /** Completes with the process's exit code when the engine has died by itself. */
    public CompletableFuture<Integer> ended() {
        return ended;
    }

    /** What is in flight may end; what comes meanwhile is answered that it was aborted. */
    private void drain(int seconds) throws InterruptedException {
        var open = parts.metrics().openRequests;
        core.refuseNew();
        if (open.count() > 0) {
            parts.log()
                    .info(
                            Writer.CORE,
                            "core.py:1655",
                            "[shutdown] EngineCore: draining in-flight requests count=" + open.count() + " timeout="
                                    + seconds + "s");
        }
        open.awaitNone(TimeUnit.SECONDS.toMillis(seconds));
    }

    /** Ends as vLLM does at SIGTERM: what is in flight is aborted and told so, or may end in {@code --shutdown-timeout}. */
    @Override
    public void close() {
        var log = parts.log();
        var open = parts.metrics().openRequests;
        int seconds = parts.config().args().shutdownSeconds();
        var mode = seconds == 0 ? "abort" : "drain";
        log.info(Writer.API, "launcher.py:254", "[shutdown] API server: shutdown triggered");
        log.info(
                Writer.API,
                "launcher.py:270",
                "[shutdown] API server: stopping engine client mode=" + mode + " timeout=" + seconds + "s");
        stats.close();
        log.info(Writer.CORE, "core.py:1454", "[shutdown] EngineCore: trigger received signal=SIGTERM");
        log.info(
                Writer.CORE, "core.py:1635", "[shutdown] EngineCore: start mode=" + mode + " timeout=" + seconds + "s");
        try {
            if (seconds > 0) {
                drain(seconds);
            }
            if (open.count() > 0) {
                log.info(
                        Writer.CORE,
                        "core.py:1644",
                        "[shutdown] EngineCore: aborting in-flight requests count=" + open.count());
            }
            core.close();
            log.info(
                    Writer.CORE,
                    "core.py:1666",
                    "[shutdown] EngineCore: request processing complete; starting resource teardown");
            open.awaitNone(LAST_WORDS_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            core.close();
        }
        log.info(Writer.API, "launcher.py:279", "[shutdown] API server: engine client stopped");
        http.close();
        log.uvicorn("Shutting down");
        log.uvicorn("Waiting for application shutdown.");
        log.uvicorn("Application shutdown complete.");
    }
}
