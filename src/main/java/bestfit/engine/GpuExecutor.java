package bestfit.engine;

import bestfit.time.ScaledClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Simulated devices: a pass takes as long as a {@link StepTimer} says, on a scaled clock, and gives tokens of a hash.
 *
 * <p>A pass counts from when all its parts were ready and the devices free, not from its own arrival, as long as the host
 * was not late by more than {@link #HIDDEN_NANOS} of real time: the host's work is part of the timer's figure, and on a scaled clock the
 * microseconds that this process takes would count for milliseconds. So a late pass ends early, and no delay adds up.
 */
public final class GpuExecutor implements StepExecutor {
    /** Real time: longer than a long prompt takes to be cut into tokens by code that is not compiled yet. */
    private static final long HIDDEN_NANOS = 2_000_000_000;

    /** On a clock as fast as life: what a real host does between two passes. */
    private static final long HIDDEN_LIVE_NANOS = 5_000_000;

    /**
     * Tokens are told so long before their pass ends, of the real time, for their answers to be composed by then: as on a real host, where
     * other cores do that. Only on a clock as fast as life, where that work would make the end of each pass late by itself.
     */
    private static final long AHEAD_NANOS = 8_000_000;

    private record Job(List<Row> rows, long endNanos, CompletableFuture<Output> result) {}

    private final StepTimer timer;
    private final HashedTokens tokens;
    private final ScaledClock clock;
    private final int stages;
    private final boolean ahead;
    private final BlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final Thread thread;
    /** When the first stage is free. */
    private long freeNanos = Long.MIN_VALUE;

    private long lastEndNanos = Long.MIN_VALUE;

    /** The pass before and what it sampled. The device's thread owns them. */
    private List<Row> rowsBefore = List.of();

    private int[] sampledBefore = {};

    private GpuExecutor(StepTimer timer, HashedTokens tokens, ScaledClock clock, int stages, boolean ahead) {
        this.timer = timer;
        this.tokens = tokens;
        this.clock = clock;
        this.stages = stages;
        this.ahead = ahead;
        this.thread = Thread.ofPlatform().name("simulated-devices").daemon().unstarted(this::run);
    }

    /**
     * @param stages of the pipeline
     * @param ahead takes a pass before the one before has told its tokens
     */
    static GpuExecutor start(StepTimer timer, HashedTokens tokens, ScaledClock clock, int stages, boolean ahead) {
        var executor = new GpuExecutor(timer, tokens, clock, stages, ahead);
        executor.thread.start();
        return executor;
    }

    @Override
    public CompletableFuture<Output> submit(List<Row> rows) {
        var times = timer.of(rows);
        long begin = Math.max(freeNanos, begin(rows, clock.nanoTime()));
        freeNanos = begin + times.untilNext();
        lastEndNanos = Math.max(lastEndNanos, begin + times.total());
        var job = new Job(List.copyOf(rows), lastEndNanos, new CompletableFuture<>());
        jobs.add(job);
        return job.result;
    }

    private long begin(List<Row> rows, long nowNanos) {
        long ready = Long.MIN_VALUE;
        for (var row : rows) {
            ready = Math.max(ready, row.readyNanos());
        }
        boolean tooLate =
                ready < nowNanos - Math.round((hidesHost() ? HIDDEN_NANOS : HIDDEN_LIVE_NANOS) * clock.scale());
        return tooLate ? nowNanos : Math.min(ready, nowNanos);
    }

    private void run() {
        try {
            while (true) {
                var job = jobs.take();
                await(clock.baseAt(job.endNanos) - (hidesHost() ? 0 : AHEAD_NANOS));
                fillIn(job.rows);
                var output = output(job.rows, job.endNanos);
                rowsBefore = job.rows;
                sampledBefore = output.sampled();
                job.result.complete(output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void await(long baseNanos) throws InterruptedException {
        for (long left = baseNanos - clock.base().nanoTime();
                left > 0;
                left = baseNanos - clock.base().nanoTime()) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            LockSupport.parkNanos(left);
        }
    }

    private void fillIn(List<Row> rows) {
        for (int i = 0; i < rows.size(); i++) {
            var row = rows.get(i);
            int last = row.tokens().length - 1;
            if (row.tokens()[last] == Row.UNSAMPLED) {
                row.tokens()[last] = sampledBefore(row.sequenceId(), i);
            }
        }
    }

    /** @param near where the sequence's row probably is: most keep their place from pass to pass */
    private int sampledBefore(String sequenceId, int near) {
        int count = rowsBefore.size();
        for (int i = 0; i < count; i++) {
            int at = (near + i) % count;
            if (rowsBefore.get(at).sequenceId().equals(sequenceId)) {
                return sampledBefore[at];
            }
        }
        throw new IllegalStateException("no token of " + sequenceId + " was sampled before");
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private Output output(List<Row> rows, long endNanos) {
        var sampled = new int[rows.size()];
        var logprobs = new @Nullable Logprobs[rows.size()];
        var prompts = (@Nullable List<Logprobs>[]) new List[rows.size()];
        for (int i = 0; i < sampled.length; i++) {
            var row = rows.get(i);
            var sampling = row.sampling();
            sampled[i] = sampling == null ? -1 : tokens.next(row, sampling);
            if (sampling != null && sampling.logprobs() >= 0) {
                logprobs[i] = tokens.logprobs(sampled[i], sampling.logprobs());
            }
            prompts[i] = promptLogprobs(row);
        }
        return new Output(sampled, logprobs, prompts, endNanos);
    }

    private @Nullable List<Logprobs> promptLogprobs(Row row) {
        var history = row.history();
        if (row.promptLogprobs() < 0 || history == null) {
            return null;
        }
        var all = new ArrayList<Logprobs>();
        int end = Math.min(row.start() + row.tokens().length, row.promptLength() - 1);
        for (int position = row.start(); position < end; position++) {
            all.add(tokens.logprobs(history[position + 1], row.promptLogprobs()));
        }
        return all;
    }

    @Override
    public int stages() {
        return ahead ? stages + 1 : stages;
    }

    @Override
    public boolean runsAhead() {
        return ahead;
    }

    @Override
    public double timeScale() {
        return clock.scale();
    }

    /** Ends at once; passes in flight are given up. */
    @Override
    public void close() {
        thread.interrupt();
    }
}
