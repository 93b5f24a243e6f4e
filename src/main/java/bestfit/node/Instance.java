package bestfit.node;

import bestfit.config.Json;
import bestfit.failure.Failure;
import bestfit.failure.FailureClassifier;
import bestfit.failure.FailureClassifier.End;
import bestfit.http.Relay;
import bestfit.mlnode.InstanceStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One engine of a deployment, kept running: started, watched, taken in and out of rotation, started again when it dies. Its
 * life runs on one virtual thread; the other methods may be called from any.
 */
final class Instance {
    private static final long START_POLL_MILLIS = 100;
    private static final Duration WATCH_INTERVAL = Duration.ofSeconds(1);
    private static final int METRICS_EVERY = 10;
    private static final int MOST_SILENT = 3;

    /** Waits before the first, second and third start after a death. */
    private static final List<Duration> BACK_OFF =
            List.of(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(4));

    /** An engine that served for so long has earned all its restarts again. */
    private static final Duration STABLE = Duration.ofMinutes(2);

    enum State {
        STARTING,
        SERVING,
        UNHEALTHY,
        HUNG,
        RESTARTING,
        FAILED,
        STOPPED
    }

    /**
     * What does not change in an instance's life.
     *
     * @param name for log lines
     */
    record Setup(
            String name,
            int index,
            int port,
            List<String> devices,
            Launch launch,
            EngineClient client,
            Duration startTimeout,
            Duration hangGrace) {}

    private final Setup setup;
    private final InstanceLog log;
    private final NodeRecord record;
    private final Balancer<Relay.Upstream> balancer;
    private final Balancer.Backend<Relay.Upstream> backend;
    private final CompletableFuture<Optional<Failure>> started = new CompletableFuture<>();
    private final CountDownLatch stopAsked = new CountDownLatch(1);
    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private final NodeEvents events;
    private final Object lock = new Object();
    private @Nullable EngineProcess process;
    private State state = State.STARTING;
    private Instant since = Instant.now();
    private int restarts;
    private @Nullable Long kvTokens;
    private @Nullable Failure lastFailure;

    Instance(Setup setup, InstanceLog log, NodeRecord record, Balancer<Relay.Upstream> balancer, NodeEvents events) {
        this.setup = setup;
        this.log = log;
        this.record = record;
        this.balancer = balancer;
        this.events = events;
        this.backend = balancer.add(new Relay.Upstream("127.0.0.1", setup.port()));
    }

    void start() {
        Thread.ofVirtual().name(setup.name()).start(this::live);
    }

    /** Done when the engine answered its first request, with nothing, or will not, with the reason. */
    CompletableFuture<Optional<Failure>> started() {
        return started;
    }

    /** Done when the instance's life is over, by {@link #stop} or by failing for good; no process is left then. */
    CompletableFuture<Void> over() {
        return over;
    }

    InstanceLog log() {
        return log;
    }

    int index() {
        return setup.index();
    }

    boolean inState(State wanted) {
        synchronized (lock) {
            return state == wanted;
        }
    }

    /** Takes no new requests from now on. */
    void leaveRotation() {
        balancer.remove(backend);
    }

    /** What the engine's own metrics say; empty while it does not serve. */
    Optional<String> metrics() {
        return inState(State.SERVING) ? setup.client().metrics() : Optional.empty();
    }

    /** Exactly how it is started. */
    ObjectNode launched() {
        var json = Json.object().put("index", setup.index()).put("port", setup.port());
        json.put("directory", Path.of("").toAbsolutePath().toString());
        setup.launch().command().forEach(json.putArray("command")::add);
        var environment = json.putObject("environment");
        new TreeMap<>(setup.launch().environment())
                .forEach((name, value) -> environment.put(name, name.equals("HF_TOKEN") ? "(set)" : value));
        return json;
    }

    /** Takes it out of rotation and ends its processes; returns when they are gone. */
    void stop() {
        balancer.remove(backend);
        stopAsked.countDown();
        EngineProcess running;
        synchronized (lock) {
            running = process;
        }
        if (running != null) {
            running.stop();
        }
        over.join();
        log.close();
    }

    InstanceStatus status() {
        synchronized (lock) {
            return new InstanceStatus(
                    setup.index(),
                    process == null ? 0 : process.pid(),
                    setup.port(),
                    setup.devices(),
                    state.name().toLowerCase(Locale.ROOT),
                    since.toString(),
                    restarts,
                    balancer.inFlight(backend),
                    kvTokens,
                    Optional.ofNullable(lastFailure).map(EngineFailed::status));
        }
    }

    private void live() {
        try {
            int tries = 0;
            while (!stopping()) {
                long begun = System.nanoTime();
                var failure = runOnce();
                if (stopping()) {
                    break;
                }
                if (!started.isDone() && !killedFromOutside(failure)) {
                    enter(State.FAILED);
                    started.complete(Optional.of(failure));
                    return;
                }
                tries = System.nanoTime() - begun > STABLE.toNanos() ? 0 : tries;
                NodeLog.warn(setup.name() + " " + failure.name() + ": " + failure.line());
                if (tries == BACK_OFF.size()) {
                    NodeLog.warn(setup.name() + " is given up after " + tries + " restarts");
                    enter(State.FAILED);
                    return;
                }
                enter(State.RESTARTING);
                pause(BACK_OFF.get(tries++));
                synchronized (lock) {
                    restarts++;
                }
            }
            enter(State.STOPPED);
        } catch (InterruptedException nobodyDoesThat) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException defect) {
            failed(new Failure.CannotLaunch(List.of("a defect of the node: " + defect)));
            enter(State.FAILED);
        } finally {
            started.complete(Optional.ofNullable(lastFailure()));
            over.complete(null);
        }
    }

    /** A signal that the engine did not send itself says nothing about its configuration: the next start may go well. */
    private static boolean killedFromOutside(Failure failure) {
        return failure instanceof Failure.CrashAtStart(int exitCode, var _)
                && (exitCode == Signal.KILL.exitCode() || exitCode == Signal.TERM.exitCode());
    }

    /** From launch to the process's end. */
    private Failure runOnce() throws InterruptedException {
        long mark = log.mark();
        EngineProcess engine;
        try {
            engine = launch();
        } catch (IOException refused) {
            return failed(new Failure.CannotLaunch(List.of(String.valueOf(refused.getMessage()))));
        }
        try {
            long deadline = System.nanoTime() + setup.startTimeout().toNanos();
            var end = awaitReady(engine, deadline);
            if (end.isEmpty()) {
                learnKvTokens(mark);
                enter(State.SERVING);
                balancer.healthy(backend, true);
                started.complete(Optional.empty());
                end = Optional.of(watch(engine, mark));
            }
            return failed(FailureClassifier.classify(log.since(mark), end.get()));
        } finally {
            balancer.healthy(backend, false);
            end(engine);
        }
    }

    private void learnKvTokens(long mark) {
        var told = KvTokens.of(setup.client().metrics(), log.since(mark)).orElse(null);
        synchronized (lock) {
            kvTokens = told;
        }
    }

    private EngineProcess launch() throws IOException {
        var engine = EngineProcess.start(setup.launch(), log);
        synchronized (lock) {
            process = engine;
        }
        record.started(engine);
        if (stopping()) {
            engine.stop();
        }
        return engine;
    }

    private void end(EngineProcess engine) {
        boolean gone = engine.alive() ? engine.stop() : engine.sweep();
        if (gone) {
            record.ended(engine);
        } else {
            NodeLog.warn(setup.name() + " cannot be ended: process " + engine.pid() + " or one it started lives on");
        }
        synchronized (lock) {
            process = null;
        }
    }

    /** Nothing when the engine made its first token in time. */
    private Optional<End> awaitReady(EngineProcess engine, long deadlineNanos) throws InterruptedException {
        boolean healthy = false;
        while (true) {
            if (engine.ended(Duration.ofMillis(START_POLL_MILLIS))) {
                int code = engine.exitCode();
                return Optional.of(healthy ? new End.ExitWhileServing(code) : new End.ExitAtStart(code));
            }
            long leftNanos = deadlineNanos - System.nanoTime();
            if (leftNanos <= 0) {
                return Optional.of(new End.NotReadyInTime(setup.startTimeout()));
            }
            if (setup.client().health() == EngineClient.Health.GOOD) {
                healthy = true;
                try {
                    if (setup.client().makesToken(Duration.ofNanos(leftNanos))) {
                        return Optional.empty();
                    }
                } catch (IOException brokeOff) {
                    // If it died of its first request, the next round sees that.
                    engine.ended(WATCH_INTERVAL);
                }
            }
        }
    }

    /** Until the process ends. */
    private End watch(EngineProcess engine, long mark) throws InterruptedException {
        var hang = new HangDetector(setup.hangGrace().toNanos());
        long looksApart = Math.clamp(setup.hangGrace().toSeconds() / 4, 1, METRICS_EVERY);
        int silent = 0;
        boolean hung = false;
        for (int round = 1; !engine.ended(WATCH_INTERVAL); round++) {
            var health = setup.client().health();
            silent = health == EngineClient.Health.SILENT ? silent + 1 : 0;
            if (silent > 0) {
                hung = hang.silent(System.nanoTime());
            } else if (round % looksApart == 0) {
                hung = setup.client()
                        .metrics()
                        .map(HangDetector.Progress::read)
                        .map(progress -> hang.hung(System.nanoTime(), progress))
                        .orElse(hung);
            }
            if (hang.lost(System.nanoTime())) {
                // Asked politely, it would end its requests as if they were done.
                engine.sweep();
                return new End.Hung(Duration.ofNanos(hang.silentNanos(System.nanoTime())));
            }
            boolean good = health == EngineClient.Health.GOOD || (silent > 0 && silent < MOST_SILENT);
            balancer.healthy(backend, good && !hung);
            if (health == EngineClient.Health.BAD && FailureClassifier.engineDead(log.since(mark))) {
                // Told now: the process itself takes some more seconds to end.
                failed(FailureClassifier.classify(log.since(mark), new End.ExitWhileServing(0)));
            }
            note(hung ? State.HUNG : good ? State.SERVING : State.UNHEALTHY, hang);
        }
        return new End.ExitWhileServing(engine.exitCode());
    }

    private void note(State now, HangDetector hang) {
        if (inState(now) || stopping()) {
            return;
        }
        if (now == State.HUNG) {
            failed(new Failure.Hung(Duration.ofNanos(hang.silentNanos(System.nanoTime())), log.last(5)));
        }
        enter(now);
        NodeLog.info("127.0.0.1:" + setup.port() + " is " + (now == State.SERVING ? "UP" : "DOWN (" + now + ")"));
    }

    private Failure failed(Failure failure) {
        synchronized (lock) {
            if (!stopping()) {
                lastFailure = failure;
            }
        }
        return failure;
    }

    private @Nullable Failure lastFailure() {
        synchronized (lock) {
            return lastFailure;
        }
    }

    private void enter(State next) {
        synchronized (lock) {
            if (state == next) {
                return;
            }
            state = next;
            since = Instant.now();
        }
        events.tell("instance", status().toJson());
    }

    private boolean stopping() {
        return stopAsked.getCount() == 0;
    }

    private void pause(Duration pause) throws InterruptedException {
        if (stopAsked.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
            enter(State.STOPPED);
        }
    }
}
