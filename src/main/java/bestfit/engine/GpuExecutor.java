package bestfit.engine;

import bestfit.time.ScaledClock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Simulated devices: a pass takes as long as a {@link StepTimer} says, on a scaled clock, and gives tokens of a hash.
 *
 * <p>A pass that goes on with sequences of an earlier one counts from that one's end, not from its own arrival, as long as
 * the host was not late by more than {@link #HIDDEN_NANOS}: the host's work is part of the timer's figure, and on a scaled
 * clock the microseconds that this process takes would count for milliseconds.
 */
public final class GpuExecutor implements StepExecutor {
    /** Real time. */
    private static final long HIDDEN_NANOS = 50_000_000;

    /** Parking is late by about so much; the rest is spun. */
    private static final long SPIN_NANOS = 70_000;

    private static final int REMEMBERED = 8_192;

    private record Job(List<Row> rows, long endNanos, CompletableFuture<Output> result) {}

    private final StepTimer timer;
    private final HashedTokens tokens;
    private final ScaledClock clock;
    private final BlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final Thread thread;
    /** When each stage is free. */
    private final long[] free;
    /** When the last pass of a sequence ends. */
    private final Map<String, Long> ends = new HashMap<>();

    private GpuExecutor(StepTimer timer, HashedTokens tokens, ScaledClock clock, int stages) {
        this.timer = timer;
        this.tokens = tokens;
        this.clock = clock;
        this.free = new long[stages];
        this.thread = Thread.ofPlatform().name("simulated-devices").daemon().unstarted(this::run);
    }

    /** @param stages of the pipeline */
    static GpuExecutor start(StepTimer timer, HashedTokens tokens, ScaledClock clock, int stages) {
        var executor = new GpuExecutor(timer, tokens, clock, stages);
        Arrays.fill(executor.free, clock.nanoTime());
        executor.thread.start();
        return executor;
    }

    @Override
    public CompletableFuture<Output> submit(List<Row> rows) {
        long nanos = timer.stageNanos(rows);
        long at = begin(rows, clock.nanoTime());
        for (int stage = 0; stage < free.length; stage++) {
            at = Math.max(at, free[stage]) + nanos;
            free[stage] = at;
        }
        for (var row : rows) {
            ends.put(row.sequenceId(), at);
        }
        var job = new Job(List.copyOf(rows), at, new CompletableFuture<>());
        jobs.add(job);
        return job.result;
    }

    private long begin(List<Row> rows, long nowNanos) {
        long hidden = Math.round(HIDDEN_NANOS * clock.scale());
        long begin = Long.MIN_VALUE;
        for (var row : rows) {
            Long end = ends.get(row.sequenceId());
            if (end != null && nowNanos - end <= hidden) {
                begin = Math.max(begin, end);
            }
        }
        if (ends.size() > REMEMBERED) {
            ends.values().removeIf(end -> nowNanos - end > hidden);
        }
        return begin == Long.MIN_VALUE ? nowNanos : begin;
    }

    private void run() {
        try {
            while (true) {
                var job = jobs.take();
                awaitEnd(clock.baseAt(job.endNanos));
                job.result.complete(output(job.rows));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitEnd(long baseNanos) throws InterruptedException {
        for (long left = baseNanos - clock.base().nanoTime();
                left > 0;
                left = baseNanos - clock.base().nanoTime()) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (left > SPIN_NANOS) {
                LockSupport.parkNanos(left - SPIN_NANOS);
            } else {
                Thread.onSpinWait();
            }
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private Output output(List<Row> rows) {
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
        return new Output(sampled, logprobs, prompts);
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
        return free.length;
    }

    /** Ends at once; passes in flight are given up. */
    @Override
    public void close() {
        thread.interrupt();
    }
}
