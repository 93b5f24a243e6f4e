package bestfit.scheduler;

import bestfit.scheduler.ScheduledStep.Chunk;
import bestfit.scheduler.ScheduledStep.Entry;
import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.Sequence.Finish;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One random config and load, run by a fake model that looks at every KV entry it reads. After each step: no block lost or
 * used by two sequences with other contents, no limit exceeded, nobody overtaken under FCFS; in the end every sequence has
 * ended for its own reason and all blocks are free.
 */
final class SchedulerSoak {
    /** A run that takes more turns than this never ends. */
    static final int TURNS = 20_000;

    private static final int SEQUENCES = 30;
    private static final int STOP = 2;

    private final Random random;
    private final SchedulerConfig config;
    private final Scheduler scheduler;
    private final StepQueue<ScheduledStep> queue;
    private final List<Sequence> sequences = new ArrayList<>();
    private final Set<Sequence> ended = new HashSet<>();
    private final long[] kv;
    private final String name;
    private final int freeAtStart;
    private int steps;
    private @Nullable Sequence lastNew;

    SchedulerSoak(Version version, int seed) {
        random = new Random(seed);
        config = randomConfig(version);
        name = "seed " + seed + " " + config;
        scheduler = Scheduler.of(config);
        freeAtStart = scheduler.freeBlocks();
        kv = new long[config.numBlocks() * config.blockSize()];
        queue = new StepQueue<>(scheduler, config.outstandingSteps(), this::look);
    }

    /** Plays {@code STEPS} steps from {@code FIRST_SEED} on, all versions in turn. */
    public static void main(String[] args) {
        long wanted = args.length > 0 ? Long.parseLong(args[0]) : 1_000_000;
        int seed = args.length > 1 ? Integer.parseInt(args[1]) : 0;
        long begun = System.nanoTime();
        long steps = 0;
        int runs = 0;
        for (; steps < wanted; seed++) {
            for (var version : Version.values()) {
                steps += new SchedulerSoak(version, seed).play();
                runs++;
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%,d steps in %,d runs, seeds to %d, %.1f s%n%d passed, 0 failed%n",
                steps,
                runs,
                seed - 1,
                (System.nanoTime() - begun) / 1e9,
                runs);
    }

    private SchedulerConfig randomConfig(Version version) {
        int blockSize = random.nextBoolean() ? 4 : 16;
        int maxModelLen = 40 + random.nextInt(120);
        int perSequence = maxModelLen / blockSize + 3;
        boolean chunked = random.nextInt(4) > 0;
        int partials = 1 + random.nextInt(3);
        return new SchedulerConfig(
                version,
                1 + random.nextInt(8),
                chunked ? 32 + random.nextInt(64) : maxModelLen + 1,
                maxModelLen,
                blockSize,
                perSequence + random.nextInt(perSequence * 3),
                random.nextInt(4) > 0,
                chunked,
                random.nextInt(3) == 0 ? 8 : 0,
                random.nextBoolean() ? Policy.FCFS : Policy.PRIORITY,
                random.nextBoolean() ? 0 : 0.05,
                random.nextBoolean(),
                random.nextBoolean(),
                version == Version.V0 ? 1 : 1 + random.nextInt(4),
                new PartialPrefills(partials, 1 + random.nextInt(partials)));
    }

    /** Runs to the end; how many steps it took. */
    int play() {
        int turns = 0;
        while (sequences.size() < SEQUENCES || queue.hasWork()) {
            check(++turns < TURNS, "the load never ends");
            if (sequences.size() < SEQUENCES && random.nextInt(3) == 0) {
                arrive();
            }
            if (random.nextInt(40) == 0 && !sequences.isEmpty()) {
                scheduler.abort(sequences.get(random.nextInt(sequences.size())).id());
            }
            if (random.nextInt(200) == 0) {
                scheduler.resetPrefixCache();
            }
            var oldest = queue.turn();
            if (oldest != null) {
                run(oldest.step());
            }
            checkBlocks();
        }
        sequences.forEach(this::checkEnded);
        check(scheduler.freeBlocks() == freeAtStart, "blocks are lost in the end");
        check(scheduler.running() + scheduler.waiting() == 0, "somebody is left");
        return steps;
    }

    private void check(boolean good, String problem) {
        if (!good) {
            throw new AssertionError(problem + ": " + name);
        }
    }

    private void checkBlocks() {
        var used = new BitSet(config.numBlocks());
        for (var sequence : sequences) {
            for (int i = 0; i < sequence.blockCount(); i++) {
                used.set(sequence.blocks()[i]);
            }
        }
        check(used.cardinality() + scheduler.freeBlocks() == freeAtStart, "blocks are lost, or free and in use");
    }

    private void arrive() {
        int length = 1 + random.nextInt(config.maxModelLen() * 2 / 3);
        var prompt = random.ints(length, 3, 1000).toArray();
        if (!sequences.isEmpty() && random.nextBoolean()) { // begins as another one
            var other = sequences.get(random.nextInt(sequences.size()));
            int shared = Math.min(length, other.length());
            System.arraycopy(other.tokens(0, shared), 0, prompt, 0, shared);
        }
        var limits = new Sequence.Limits(1 + random.nextInt(40), random.nextInt(3), new int[] {STOP});
        var sequence = new Sequence("s" + sequences.size(), prompt, random.nextInt(3), limits);
        if (random.nextInt(5) == 0) {
            sequence.withoutPrefixCache();
        }
        sequences.add(sequence);
        scheduler.add(sequence);
    }

    /** A step as it is made. */
    private ScheduledStep look(ScheduledStep step) {
        steps++;
        int tokens = 0;
        for (var chunk : step.chunks()) {
            var sequence = chunk.sequence();
            check(chunk.tokens() > 0, sequence.id() + " computes nothing");
            // V0 counts without what it has to compute again, see V0Scheduler.
            tokens += config.version() == Version.V0
                    ? chunk.start() + chunk.tokens() - sequence.computed
                    : chunk.tokens();
            if (chunk.entry() == Entry.NEW
                    && config.policy() == Policy.FCFS
                    && config.partialPrefills().max() == 1) {
                check(lastNew == null || lastNew.arrival < sequence.arrival, sequence.id() + " was overtaken");
                lastNew = sequence;
            }
        }
        check(tokens <= config.maxNumBatchedTokens(), tokens + " tokens in a step");
        check(step.chunks().size() <= config.maxNumSeqs(), step.chunks().size() + " sequences in a step");
        return step;
    }

    private void run(ScheduledStep step) {
        var sampled = new int[step.chunks().size()];
        for (int i = 0; i < sampled.length; i++) {
            var chunk = step.chunks().get(i);
            compute(chunk);
            sampled[i] = chunk.samples() ? (random.nextInt(50) == 0 ? STOP : 3 + random.nextInt(997)) : -1;
        }
        ended.addAll(scheduler.complete(step, sampled));
    }

    /** Reads the KV entries of all earlier positions and writes those of the chunk. */
    private void compute(Chunk chunk) {
        var sequence = chunk.sequence();
        long entry = 7;
        for (int position = 0; position < chunk.start() + chunk.tokens(); position++) {
            if (position >= sequence.length()) {
                check(sequence.finish() != null, sequence.id() + " computes a token that is not there");
                return;
            }
            entry = entry * 1_000_003 + sequence.token(position);
            int block = chunk.blocks()[position / config.blockSize()];
            int place = block * config.blockSize() + position % config.blockSize();
            check(block >= (config.version() == Version.V0 ? 0 : 1), "the null block is used");
            if (position >= chunk.start()) {
                kv[place] = entry;
            } else if (sequence.finish() == null) {
                check(kv[place] == entry, "KV entry " + position + " of " + sequence.id() + " is another's");
            }
        }
    }

    private void checkEnded(Sequence sequence) {
        String id = sequence.id();
        boolean v0 = config.version() == Version.V0;
        int longest = v0 ? config.maxModelLen() + 1 : config.maxModelLen();
        check(sequence.finish() != null, id + " has not ended");
        check(v0 || sequence.readsPrefixCache() || sequence.cachedTokens() == 0, id + " read the prefix cache");
        check(
                sequence.generated() <= sequence.limits().maxTokens() && sequence.length() <= longest,
                id + " is too long");
        check(ended.contains(sequence) == (sequence.finish() != Finish.ABORT), id + " is reported wrongly");
        if (sequence.finish() == Finish.LENGTH && !v0) {
            check(
                    sequence.generated() == sequence.limits().maxTokens() || sequence.length() == longest,
                    id + " ended too early");
        }
        if (sequence.finish() == Finish.STOP) {
            check(sequence.token(sequence.length() - 1) == STOP, id + " stopped without the stop token");
        }
    }
}
