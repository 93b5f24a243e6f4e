package bestfit.engine;

import bestfit.time.ScaledClock;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Makes another executor fail as a {@link Fault} says. */
final class FaultyExecutor implements StepExecutor {
    private final StepExecutor inner;
    private final Fault fault;
    private final ScaledClock clock;
    private final AtomicLong sampled = new AtomicLong();
    /** When the last pass that was lengthened is over. */
    private CompletableFuture<Long> slowedEnd = CompletableFuture.completedFuture(System.nanoTime());

    /** When the last pass was over for the executor itself. */
    private volatile long innerEnd = System.nanoTime();

    private FaultyExecutor(StepExecutor inner, Fault fault, ScaledClock clock) {
        this.inner = inner;
        this.fault = fault;
        this.clock = clock;
    }

    /**
     * Wraps the executor in those faults that concern forward passes.
     *
     * @param clock by which it says when a pass ends
     */
    static StepExecutor wrap(StepExecutor executor, List<Fault> faults, ScaledClock clock) {
        var wrapped = executor;
        for (var fault : faults) {
            wrapped = switch (fault.kind()) {
                case DIE, CRASH, HANG, SLOW, OOM, NAN -> new FaultyExecutor(wrapped, fault, clock);
                case EXIT, NEVER_READY, RESET -> wrapped;
            };
        }
        return wrapped;
    }

    @Override
    public CompletableFuture<Output> submit(List<Row> rows) {
        return switch (fault.kind()) {
            case SLOW -> slow(rows);
            case OOM -> outOfMemory(rows);
            case NAN -> inner.submit(rows).thenApply(FaultyExecutor::notNumbers);
            case DIE, CRASH, HANG -> inner.submit(rows).thenCompose(this::afterTokens);
            case EXIT, NEVER_READY, RESET -> inner.submit(rows);
        };
    }

    /** Passes in flight together are lengthened one after another, as slow devices would. */
    private CompletableFuture<Output> slow(List<Row> rows) {
        long submitted = System.nanoTime();
        var before = slowedEnd;
        var pass = inner.submit(rows).thenCompose(output -> {
            boolean simulated = output.endNanos() != Output.NOW;
            long ended = simulated ? clock.baseAt(output.endNanos()) : System.nanoTime();
            long took = ended - Math.max(submitted, innerEnd);
            innerEnd = ended;
            return before.thenCompose(beforeEnd -> {
                long end = Math.max(ended, beforeEnd + took) + took * fault.amount() / 100;
                var later = CompletableFuture.delayedExecutor(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                return CompletableFuture.supplyAsync(() -> simulated ? output.endingAt(clock.at(end)) : output, later);
            });
        });
        slowedEnd = pass.handle((_, _) -> System.nanoTime());
        return pass;
    }

    private CompletableFuture<Output> outOfMemory(List<Row> rows) {
        for (var row : rows) {
            if (row.promptLength() > fault.amount()) {
                return CompletableFuture.failedFuture(
                        new IllegalStateException("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate "
                                + row.promptLength() + ".00 MiB. GPU 0 has a total capacity of 0 bytes free."));
            }
        }
        return inner.submit(rows);
    }

    private CompletableFuture<Output> afterTokens(Output output) {
        long now = sampled.addAndGet(
                Arrays.stream(output.sampled()).filter(token -> token >= 0).count());
        if (now <= fault.amount()) {
            return CompletableFuture.completedFuture(output);
        }
        return switch (fault.kind()) {
            case CRASH -> {
                Runtime.getRuntime().halt(1);
                yield new CompletableFuture<>();
            }
            case HANG -> new CompletableFuture<>();
            default ->
                CompletableFuture.failedFuture(new IllegalStateException("AssertionError: --fault "
                        + fault.kind().label() + ":" + fault.amount() + ", the engine was told to die"));
        };
    }

    /** An argmax over values that are not numbers is 0. */
    private static Output notNumbers(Output output) {
        var tokens =
                Arrays.stream(output.sampled()).map(token -> Math.min(token, 0)).toArray();
        var logprobs = output.logprobs().clone();
        for (int i = 0; i < logprobs.length; i++) {
            if (logprobs[i] != null) {
                logprobs[i] = new Logprobs(0, Double.NaN, 1, new int[] {0}, new double[] {Double.NaN});
            }
        }
        return new Output(tokens, logprobs, output.promptLogprobs(), output.endNanos());
    }

    @Override
    public int stages() {
        return inner.stages();
    }

    @Override
    public boolean runsAhead() {
        return inner.runsAhead();
    }

    @Override
    public double timeScale() {
        return inner.timeScale();
    }

    @Override
    public void close() {
        inner.close();
    }
}
