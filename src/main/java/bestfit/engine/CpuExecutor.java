package bestfit.engine;

import bestfit.config.ConfigException;
import bestfit.model.Dtype;
import bestfit.model.Model;
import bestfit.model.ModelSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Computes a real transformer on the machine's cores; a device is a thread. The devices of a pipeline stage split every
 * layer and sum their parts up twice a layer; stages hand passes on by queues, so that as many passes as stages are in
 * the works. After a failure every outstanding and later pass fails.
 */
public final class CpuExecutor implements StepExecutor {
    /** Handed to a device's queue to end it. */
    private static final Pass END = new Pass(List.of(), 0, 0);

    /** Of a model without checkpoint: always the same weights, whatever the engine's own seed. */
    static final long WEIGHT_SEED = 0;

    /** About 100 µs; next to nothing when devices share cores. */
    private static final int SPINS = 2_000;

    private static final int SPINS_ON_SHARED_CORES = 50;
    /** Small passes with a long context: a pass that is not compiled yet takes a hundred times as long. */
    private static final int WARM_UP_TOKENS = 10;

    private static final int WARM_UP_CONTEXT = 250;
    private static final int WARM_UP_BATCH = 6;

    private final ModelSpec spec;
    private final Options options;
    /** By stage, then rank. */
    private final List<List<BlockingQueue<Pass>>> queues = new ArrayList<>();

    private final List<Meeting> meetings = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Queue<Pass> outstanding = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /**
     * How to spread and store the model.
     *
     * @param blocks KV blocks; memory on each device is
     *     {@code 8 bytes · blocks · blockSize · headDim · its KV heads · its layers}
     * @param maxPositions greatest position, exclusive, that a sequence can have
     * @param dtype weights are rounded to it; the arithmetic is always 32-bit
     * @param seed of the random numbers of requests without one
     */
    public record Options(int tp, int pp, int blockSize, int blocks, int maxPositions, Dtype dtype, long seed) {}

    private CpuExecutor(ModelSpec spec, Options options) {
        this.spec = spec;
        this.options = options;
    }

    /**
     * Loads the weights and starts the devices, in vectors where the JVM has the vector module.
     *
     * @throws ConfigException if the model cannot be split so, or cannot be computed
     * @throws OutOfMemoryError if KV blocks or weights do not fit
     */
    public static CpuExecutor open(Model model, Options options) {
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        return open(model, options, vectors ? new VectorOps() : new PlainOps());
    }

    static CpuExecutor open(Model model, Options options, TensorOps ops) {
        var spec = model.spec();
        Shard.check(spec, options.tp(), options.pp());
        if (spec.ropeScaling() != null) {
            throw new ConfigException(model.origin("config.json") + ": rope_scaling " + spec.ropeScaling()
                    + " is not computed by the embedded engine; it computes models without scaling");
        }
        var executor = new CpuExecutor(spec, options);
        try (var source = source(model)) {
            executor.start(DeviceWeights.load(spec, source, ops, options.dtype(), options.tp(), options.pp()), ops);
        }
        return executor;
    }

    private static WeightSource source(Model model) {
        var directory = model.directory();
        if (directory != null && !SafetensorsWeights.files(directory).isEmpty()) {
            return SafetensorsWeights.open(directory);
        }
        return new SeededWeights(WEIGHT_SEED, model.spec().layers());
    }

    private void start(List<List<DeviceWeights>> weights, TensorOps ops) {
        var rotary = new Rotary(spec.headDim(), options.maxPositions(), spec.ropeTheta());
        var sampler = new Sampler(spec.vocabSize(), options.seed());
        boolean shared = options.tp() * options.pp() > Runtime.getRuntime().availableProcessors();
        for (int stage = 0; stage < options.pp(); stage++) {
            var meeting = new Meeting(options.tp(), shared ? SPINS_ON_SHARED_CORES : SPINS);
            var allReduce = new AllReduce(options.tp(), meeting);
            meetings.add(meeting);
            var stageQueues = new ArrayList<BlockingQueue<Pass>>();
            queues.add(stageQueues);
            for (int rank = 0; rank < options.tp(); rank++) {
                stageQueues.add(new LinkedBlockingQueue<>());
                var device =
                        new Device(spec, rank, options, ops, weights.get(stage).get(rank), rotary, allReduce, meeting);
                int ownStage = stage;
                int ownRank = rank;
                threads.add(Thread.ofPlatform()
                        .daemon()
                        .name("device-" + threads.size())
                        .unstarted(() -> serve(device, ownStage, ownRank, sampler)));
            }
        }
        threads.forEach(Thread::start);
    }

    private void serve(Device device, int stage, int rank, Sampler sampler) {
        var queue = queues.get(stage).get(rank);
        try {
            for (var pass = queue.take(); pass != END; pass = queue.take()) {
                device.forward(pass, sampler);
                if (stage + 1 < options.pp()) {
                    queues.get(stage + 1).get(rank).add(pass);
                } else if (rank == 0) {
                    outstanding.remove(pass);
                }
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            fail(e);
        }
    }

    private void fail(Throwable cause) {
        failure.compareAndSet(null, cause);
        meetings.forEach(Meeting::breakUp);
        for (var pass = outstanding.poll(); pass != null; pass = outstanding.poll()) {
            pass.result.completeExceptionally(cause);
        }
    }

    @Override
    public CompletableFuture<Output> submit(List<Row> rows) {
        for (var row : rows) {
            check(row);
        }
        var pass = new Pass(rows, options.tp(), spec.vocabSize());
        outstanding.add(pass);
        var failed = failure.get();
        if (failed != null) {
            fail(failed);
            return pass.result;
        }
        for (var queue : queues.getFirst()) {
            queue.add(pass);
        }
        return pass.result;
    }

    private void check(Row row) {
        int end = row.start() + row.tokens().length;
        if (row.tokens().length == 0 || row.start() < 0 || end > options.maxPositions()) {
            throw new IllegalArgumentException("positions " + row.start() + " to " + end + " of " + row.sequenceId()
                    + "; a row has at least one token and ends by " + options.maxPositions());
        }
        if ((long) row.blocks().length * options.blockSize() < end) {
            throw new IllegalArgumentException(row.blocks().length + " KV blocks of " + row.sequenceId()
                    + " do not hold its " + end + " positions");
        }
        for (int block : row.blocks()) {
            if (block < 0 || block >= options.blocks()) {
                throw new IllegalArgumentException("KV block " + block + "; there are " + options.blocks());
            }
        }
        if (row.history() == null
                && (row.promptLogprobs() >= 0
                        || (row.sampling() != null && row.sampling().needsHistory()))) {
            throw new IllegalArgumentException(
                    "penalties and prompt logprobs of " + row.sequenceId() + " need its history");
        }
        for (int token : row.tokens()) {
            if (token < 0 || token >= spec.vocabSize()) {
                throw new IllegalArgumentException("token " + token + "; the vocabulary has " + spec.vocabSize());
            }
        }
    }

    /**
     * Runs passes of prefill and decode for about this long, so that the JVM compiles what a pass needs; some 800 ms
     * bring most of it. Overwrites KV blocks: for before the first sequence.
     */
    public void warmUp(Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        int capacity = (int) Math.min(options.maxPositions(), (long) options.blocks() * options.blockSize());
        var blocks =
                IntStream.range(0, Math.ceilDiv(capacity, options.blockSize())).toArray();
        int start = Math.min(WARM_UP_CONTEXT, capacity - 1);
        int tokens = Math.min(WARM_UP_TOKENS, capacity - start);
        var prefill = new Row("warm-up", new int[tokens], start, blocks, SamplingParams.GREEDY, null, 0, -1);
        var decode = new Row("warm-up", new int[1], start, blocks, SamplingParams.GREEDY, null, 0, -1);
        for (int round = 0; System.nanoTime() < end; round++) {
            var rows = new ArrayList<>(Collections.nCopies(round % WARM_UP_BATCH, decode));
            rows.add(prefill);
            submit(rows).join();
        }
    }

    @Override
    public int stages() {
        return options.pp();
    }

    /** Ends the devices after the passes they have; waits for them. */
    @Override
    public void close() {
        for (var stage : queues) {
            for (var queue : stage) {
                queue.add(END);
            }
        }
        try {
            for (var thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
