package bestfit.scheduler;

import bestfit.scheduler.ScheduledStep.Chunk;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;

/**
 * How many request-steps a second the scheduler makes: 256 sequences run, each that ends is replaced, prompts of 512 tokens
 * share their first 256 (prefix cache on), answers have 128. Scheduling, completing, adding and ending are counted; making
 * the prompts is not, nor is the model.
 */
final class SchedulerSpeed {
    private static final int RUNNING = 256;
    private static final int PROMPT = 512;
    private static final int SHARED = 256;
    private static final int ANSWER = 128;
    private static final int PREFIXES = 32;
    private static final int ROUND_STEPS = 4_000;

    private final Random random = new Random(1);
    private final Scheduler scheduler;
    private final ArrayDeque<Sequence> ready = new ArrayDeque<>();
    private final int[][] prefixes = new int[PREFIXES][];
    private long made;
    private long hits;
    private long requestSteps;
    private long nanos;

    private SchedulerSpeed(SchedulerConfig config) {
        scheduler = Scheduler.of(config);
        Arrays.setAll(prefixes, i -> random.ints(SHARED, 3, 32_000).toArray());
    }

    /** Rounds, 8 unless given; ends with 1 when their median is below a million. */
    public static void main(String[] args) {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 8;
        var config = SchedulerConfig.of(RUNNING, 8192, 4096, 16, 16_384);
        var speed = new SchedulerSpeed(config);
        speed.fill(RUNNING);
        var measured = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            measured[round] = speed.round();
            System.out.printf(Locale.ROOT, "round %d: %,.0f request-steps/s%n", round + 1, measured[round]);
        }
        double median = Arrays.stream(measured).sorted().toArray()[rounds / 2];
        System.out.printf(
                Locale.ROOT,
                "median %,.0f request-steps/s at %d running, prefix cache on, %.0f %% of prompt tokens cached%n",
                median,
                RUNNING,
                100.0 * speed.hits / (speed.made * PROMPT));
        System.exit(median >= 1_000_000 ? 0 : 1);
    }

    private void fill(int count) {
        while (ready.size() < count) {
            var prompt = Arrays.copyOf(prefixes[random.nextInt(PREFIXES)], PROMPT);
            for (int i = SHARED; i < PROMPT; i++) {
                prompt[i] = 3 + random.nextInt(31_997);
            }
            ready.add(new Sequence("s" + made++, prompt, 0, new Sequence.Limits(ANSWER, 0, new int[] {2})));
        }
    }

    private double round() {
        requestSteps = 0;
        nanos = 0;
        for (int step = 0; step < ROUND_STEPS; step++) {
            fill(RUNNING);
            long begun = System.nanoTime();
            while (scheduler.running() + scheduler.waiting() < RUNNING) {
                scheduler.add(ready.remove());
            }
            var made = scheduler.schedule();
            long paused = System.nanoTime();
            var sampled = sample(made);
            long resumed = System.nanoTime();
            for (var ended : scheduler.complete(made, sampled)) {
                hits += ended.cachedTokens();
            }
            nanos += paused - begun + System.nanoTime() - resumed;
            requestSteps += made.chunks().size();
        }
        return requestSteps * 1e9 / nanos;
    }

    private int[] sample(ScheduledStep step) {
        var sampled = new int[step.chunks().size()];
        for (int i = 0; i < sampled.length; i++) {
            Chunk chunk = step.chunks().get(i);
            sampled[i] = chunk.samples() ? 3 + random.nextInt(31_997) : ScheduledStep.NO_TOKEN;
        }
        return sampled;
    }
}
