package bestfit.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.scheduler.ScheduledStep.Chunk;
import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.Sequence.Finish;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random load under memory pressure, run by a fake model that looks at every KV entry it reads. */
class SchedulerInvariantsTest {
    private static final int RUNS = 60;
    private static final int SEQUENCES = 30;
    private static final int STOP = 2;

    @ParameterizedTest
    @EnumSource(Version.class)
    void everySequenceEnds_withinItsLimits_onIntactBlocks(Version version) {
        for (int seed = 0; seed < RUNS; seed++) {
            new Run(version, seed).play();
        }
    }

    /** One random config and load. */
    private static final class Run {
        private final Random random;
        private final SchedulerConfig config;
        private final Scheduler scheduler;
        private final StepQueue<List<Sequence>> queue;
        private final List<Sequence> sequences = new ArrayList<>();
        private final Set<Sequence> ended = new HashSet<>();
        private final long[] kv;
        private final String name;
        private final int freeAtStart;

        Run(Version version, int seed) {
            random = new Random(seed);
            config = randomConfig(version);
            name = "seed " + seed + " " + config;
            scheduler = Scheduler.of(config);
            freeAtStart = scheduler.freeBlocks();
            kv = new long[config.numBlocks() * config.blockSize()];
            queue = new StepQueue<>(
                    scheduler,
                    config.outstandingSteps(),
                    step -> step.chunks().stream().map(Chunk::sequence).toList());
        }

        private SchedulerConfig randomConfig(Version version) {
            int blockSize = random.nextBoolean() ? 4 : 16;
            int maxModelLen = 40 + random.nextInt(120);
            int perSequence = maxModelLen / blockSize + 3;
            boolean chunked = random.nextInt(4) > 0;
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
                    PartialPrefills.ONE);
        }

        void play() {
            int turns = 0;
            while (sequences.size() < SEQUENCES || queue.hasWork()) {
                assertThat(++turns).as("%s: turns", name).isLessThan(20_000);
                if (sequences.size() < SEQUENCES && random.nextInt(3) == 0) {
                    arrive();
                }
                if (random.nextInt(40) == 0 && !sequences.isEmpty()) {
                    scheduler.abort(
                            sequences.get(random.nextInt(sequences.size())).id());
                }
                var oldest = queue.turn();
                if (oldest != null) {
                    run(oldest.step());
                }
            }
            assertThat(sequences).as(name).allSatisfy(this::assertEnded);
            assertThat(scheduler.freeBlocks()).as("%s: free blocks", name).isEqualTo(freeAtStart);
            assertThat(scheduler.running() + scheduler.waiting()).as(name).isZero();
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

        private void run(ScheduledStep step) {
            assertThat(step.tokens())
                    .as("%s: tokens of a step", name)
                    .isLessThanOrEqualTo(config.maxNumBatchedTokens());
            assertThat(step.chunks().size())
                    .as("%s: sequences of a step", name)
                    .isLessThanOrEqualTo(config.maxNumSeqs());
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
            boolean v0 = config.version() == Version.V0; // its prefix cache promises too much, see V0Scheduler
            long entry = 7;
            for (int position = 0; position < chunk.start() + chunk.tokens(); position++) {
                if (position >= sequence.length()) {
                    assertThat(sequence.finish())
                            .as("%s: %s computes a token that is not there", name, sequence.id())
                            .isNotNull();
                    return;
                }
                entry = entry * 1_000_003 + sequence.token(position);
                int block = chunk.blocks()[position / config.blockSize()];
                int place = block * config.blockSize() + position % config.blockSize();
                assertThat(block).as("%s: block", name).isBetween(v0 ? 0 : 1, config.numBlocks() - 1);
                if (position >= chunk.start()) {
                    kv[place] = entry;
                } else if (!v0 && sequence.finish() == null && kv[place] != entry) {
                    throw new AssertionError(
                            "%s: KV entry %d of %s is another's".formatted(name, position, sequence.id()));
                }
            }
        }

        private void assertEnded(Sequence sequence) {
            var limits = sequence.limits();
            int longest = config.version() == Version.V0 ? config.maxModelLen() + 1 : config.maxModelLen();
            assertThat(sequence.finish()).as(sequence.id()).isNotNull();
            assertThat(!sequence.readsPrefixCache() && config.version() != Version.V0 ? sequence.cachedTokens() : 0)
                    .as("%s: cached tokens of a whole prompt", sequence.id())
                    .isZero();
            assertThat(sequence.generated()).as(sequence.id()).isLessThanOrEqualTo(limits.maxTokens());
            assertThat(sequence.length()).as(sequence.id()).isLessThanOrEqualTo(longest);
            assertThat(ended.contains(sequence))
                    .as("%s is reported", sequence.id())
                    .isEqualTo(sequence.finish() != Finish.ABORT);
            if (sequence.finish() == Finish.LENGTH && config.version() != Version.V0) {
                assertThat(sequence.generated() == limits.maxTokens() || sequence.length() == longest)
                        .as(sequence.id())
                        .isTrue();
            }
            if (sequence.finish() == Finish.STOP) {
                assertThat(sequence.token(sequence.length() - 1)).isEqualTo(STOP);
            }
        }
    }
}
