package bestfit.engine;

import bestfit.engine.StepExecutor.Output;
import bestfit.engine.StepExecutor.Row;
import bestfit.scheduler.ScheduledStep;
import bestfit.scheduler.ScheduledStep.Chunk;
import bestfit.scheduler.ScheduledStep.Entry;
import bestfit.scheduler.Scheduler;
import bestfit.scheduler.Sequence;
import bestfit.scheduler.Sequence.Finish;
import bestfit.time.NanoClock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs requests through scheduler and executor: continuous batching on a thread of its own, with as many steps in flight
 * as the executor has stages. Everything it hands out or takes passes through queues, so callers never wait for a step.
 */
final class EngineCore implements AutoCloseable {
    private sealed interface Command {
        record Add(EngineRequest request) implements Command {}

        record End(List<String> ids, Finish reason) implements Command {}

        record ResetPrefixCache(CompletableFuture<Void> done) implements Command {}

        record RefuseNew() implements Command {}

        /** Nothing but a reason to look again. */
        record Wake() implements Command {}

        record Stop() implements Command {}
    }

    private record InFlight(ScheduledStep step, long startNanos, CompletableFuture<Output> output) {}

    private static final Command WAKE = new Command.Wake();
    private static final int NO_PROGRESS = 3;

    private final Scheduler scheduler;
    private final StepExecutor executor;
    private final EngineMetrics metrics;
    private final NanoClock clock;
    private final IterationLog iterations;
    private final Consumer<Throwable> onDeath;
    private final BlockingQueue<Command> inbox = new LinkedBlockingQueue<>();
    private final Map<String, EngineRequest> live = new HashMap<>();
    private final Deque<InFlight> inFlight = new ArrayDeque<>();
    private final Outbox outbox = new Outbox();
    private final Thread thread;
    private final ExpectedRequests expected;

    /** When the last completed step ends: simulated devices tell its tokens a little before. */
    private long endedNanos = Long.MIN_VALUE;

    /** Work waits for requests that are about to come: nothing else will wake the core. */
    private boolean heldBack;

    private boolean stopping;
    private boolean refusing;
    private volatile @Nullable Throwable death;

    /** @param onDeath called once on the core's thread when a step fails; every request has been told by then */
    EngineCore(
            Scheduler scheduler,
            StepExecutor executor,
            EngineMetrics metrics,
            NanoClock clock,
            IterationLog iterations,
            Consumer<Throwable> onDeath) {
        this.scheduler = scheduler;
        this.executor = executor;
        this.metrics = metrics;
        this.clock = clock;
        this.iterations = iterations;
        this.onDeath = onDeath;
        this.expected = new ExpectedRequests(executor.timeScale(), System::nanoTime);
        this.thread = Thread.ofPlatform().name("EngineCore").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    boolean isAlive() {
        return death == null;
    }

    /** Says that a request has come whose sequences are not known yet; {@link #endReading} must follow. */
    void beginReading() {
        if (executor.hidesHost()) {
            expected.beginReading();
        }
    }

    /** Its sequences were added, or it was refused. */
    void endReading() {
        if (executor.hidesHost() && expected.endReading()) {
            inbox.add(WAKE);
        }
    }

    void add(EngineRequest request) {
        inbox.add(new Command.Add(request));
    }

    /** Ends sequences whose tokens nobody wants any more; unknown and finished ones are left alone. */
    void end(List<String> ids, Finish reason) {
        inbox.add(new Command.End(ids, reason));
    }

    CompletableFuture<Void> resetPrefixCache() {
        var done = new CompletableFuture<Void>();
        inbox.add(new Command.ResetPrefixCache(done));
        return done;
    }

    /** From now on only what was added goes on; what comes later is aborted at once. */
    void refuseNew() {
        inbox.add(new Command.RefuseNew());
    }

    /** {@link #stop}, and closes the executor. */
    @Override
    public void close() {
        stop();
        executor.close();
    }

    /** Aborts what is in flight, tells its answers, and waits for the thread to end. */
    void stop() {
        inbox.add(new Command.Stop());
        try {
            if (Thread.currentThread() != thread) {
                thread.join(2_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (!stopping) {
                obey(next());
                for (var command = inbox.poll(); command != null; command = inbox.poll()) {
                    obey(command);
                }
                completeDone();
                if (isAhead()) {
                    continue;
                }
                outbox.tellPrepared();
                expected.alive(!live.isEmpty());
                fill();
                outbox.handOut();
                metrics.observe(new EngineMetrics.State(scheduler.running(), scheduler.waiting(), scheduler.kvUsage()));
            }
            live.values().forEach(request -> emit(request, new TokenEvent.Ended(request.order.choice(), Finish.ABORT)));
            outbox.handOut();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Throwable failure) { // an Error of the executor must reach the waiting answers too
            die(failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure);
        }
    }

    private Command next() throws InterruptedException {
        if (!isAhead() && !heldBack) {
            return inbox.take();
        }
        long nanos = isAhead() ? endedNanos - clock.nanoTime() : ExpectedRequests.SETTLED_NANOS;
        var command = inbox.poll(nanos, TimeUnit.NANOSECONDS);
        return command == null ? WAKE : command;
    }

    /** True while the last completed step has not ended: nothing of it may be seen, and no step follows it. */
    private boolean isAhead() {
        return endedNanos > clock.nanoTime();
    }

    private void die(Throwable cause) {
        death = cause;
        onDeath.accept(cause);
        live.values().forEach(this::breakOff);
        outbox.handOut();
        // Until the process ends, requests that came too late get the same answer.
        while (!stopping) {
            try {
                var command = inbox.take();
                stopping = command instanceof Command.Stop;
                if (command instanceof Command.Add(var request)) {
                    breakOff(request);
                    outbox.handOut();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void breakOff(EngineRequest request) {
        metrics.failed();
        emit(request, new TokenEvent.Broken(EngineServer.DEAD));
    }

    private void obey(Command command) {
        switch (command) {
            case Command.Add(var request)
            when refusing -> {
                emit(request, new TokenEvent.Ended(request.order.choice(), Finish.ABORT));
                outbox.handOut();
            }
            case Command.Add(var request) -> {
                live.put(request.order.id(), request);
                scheduler.add(request.sequence);
            }
            case Command.End(var ids, var reason) -> ids.forEach(id -> end(id, reason));
            case Command.ResetPrefixCache(var done) -> {
                scheduler.resetPrefixCache();
                done.complete(null);
            }
            case Command.RefuseNew() -> refusing = true;
            case Command.Wake() -> {}
            case Command.Stop() -> stopping = true;
        }
    }

    private void end(String id, Finish reason) {
        var request = live.remove(id);
        if (request != null) {
            scheduler.abort(id);
            recordEnd(request, reason);
        }
    }

    /** Schedules steps until as many are in flight as the executor takes. */
    private void fill() {
        heldBack = executor.hidesHost() && expected.any();
        if (heldBack) {
            return;
        }
        int empty = 0;
        int room = executor.runsAhead() && live.values().stream().anyMatch(EngineRequest::looksBack)
                ? 1
                : executor.stages();
        while (inFlight.size() < room && scheduler.hasWork()) {
            var step = scheduler.schedule();
            metrics.preemptions.add(step.preempted().size());
            if (!step.chunks().isEmpty()) {
                submit(step);
                continue;
            }
            if (!step.refused().isEmpty()) {
                endUnseen(scheduler.complete(step, new int[0]));
                continue;
            }
            // A step in flight brings the next chance; without one nothing would ever move again.
            if (!inFlight.isEmpty() || !scheduler.hasWork()) {
                return;
            }
            if (++empty == NO_PROGRESS) {
                throw new IllegalStateException("the scheduler has " + scheduler.waiting()
                        + " waiting sequences and places none of them; free KV blocks: " + scheduler.freeBlocks());
            }
        }
    }

    private void submit(ScheduledStep step) {
        var rows = new ArrayList<Row>(step.chunks().size());
        long now = clock.nanoTime();
        long ready = Long.MIN_VALUE;
        for (var chunk : step.chunks()) {
            var row = row(chunk, now);
            rows.add(row);
            ready = Math.max(ready, row.readyNanos());
        }
        var output = executor.submit(rows);
        inFlight.add(new InFlight(step, executor.hidesHost() ? Math.max(ready, endedNanos) : now, output));
        var _ = output.whenComplete((_, _) -> inbox.add(WAKE));
    }

    private Row row(Chunk chunk, long now) {
        var sequence = chunk.sequence();
        var request = live.get(sequence.id());
        if (request == null) {
            throw new IllegalStateException("sequence " + sequence.id() + " is scheduled after its end");
        }
        if (chunk.entry() == Entry.NEW) {
            request.admittedNanos = now;
            metrics.admitted(sequence);
        }
        return request.row(chunk);
    }

    private void completeDone() {
        while (!isAhead() && !inFlight.isEmpty() && inFlight.getFirst().output().isDone()) {
            var done = inFlight.removeFirst();
            complete(done, done.output().join());
            if (isAhead()) {
                outbox.prepare();
            }
        }
    }

    private void complete(InFlight done, Output output) {
        var step = done.step();
        long now = output.endNanos() == Output.NOW ? clock.nanoTime() : output.endNanos();
        var chunks = step.chunks();
        var before = new int[chunks.size()];
        for (int i = 0; i < before.length; i++) {
            before[i] = chunks.get(i).sequence().generated();
        }
        var ended = scheduler.complete(step, output.sampled());
        int tokens = 0;
        for (int i = 0; i < before.length; i++) {
            var chunk = chunks.get(i);
            var request = live.get(chunk.sequence().id());
            if (request == null || request.sequence != chunk.sequence()) {
                continue;
            }
            request.computedNanos = now;
            request.admittedNanos = Math.min(request.admittedNanos, now);
            var prompt = output.promptLogprobs()[i];
            if (prompt != null) {
                request.addPromptLogprobs(chunk.start(), prompt);
            }
            if (chunk.sequence().generated() > before[i]) {
                request.generated(output.sampled()[i]);
                tokens += 1 + (request.firstTokenNanos == 0 ? request.uncachedPrompt() : 0);
                deliver(request, output, i, now);
            }
        }
        metrics.step(tokens);
        endUnseen(ended);
        iterations.step(step, now - Math.max(done.startNanos(), endedNanos), scheduler.kvUsage());
        endedNanos = now;
    }

    /** Those that ended without a further token: V0 refuses prompts that can never fit. */
    private void endUnseen(List<Sequence> ended) {
        for (var sequence : ended) {
            var request = live.get(sequence.id());
            if (request != null && request.sequence == sequence && sequence.finish() != null) {
                live.remove(sequence.id());
                recordEnd(request, sequence.finish());
                emit(request, new TokenEvent.Ended(request.order.choice(), sequence.finish()));
            }
        }
    }

    private void deliver(EngineRequest request, Output output, int row, long now) {
        var sequence = request.sequence;
        boolean first = request.firstTokenNanos == 0;
        metrics.token(request, now);
        if (first) {
            request.firstTokenNanos = now;
        }
        request.lastTokenNanos = now;
        var finish = sequence.finish();
        if (finish != null) {
            live.remove(sequence.id());
            recordEnd(request, finish);
        }
        emit(
                request,
                new TokenEvent.Token(
                        request.order.choice(),
                        output.sampled()[row],
                        output.logprobs()[row],
                        first ? request.takePromptLogprobs() : null,
                        sequence.cachedTokens(),
                        finish));
    }

    private void emit(EngineRequest request, TokenEvent event) {
        outbox.add(request.sink, event);
    }

    private void recordEnd(EngineRequest request, Finish reason) {
        if (executor.hidesHost()) {
            expected.answered();
        }
        metrics.ended(request, reason);
    }
}
