package bestfit.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.scheduler.SchedulerConfig.Version;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random load under memory pressure ({@link SchedulerSoak}); a million steps of it are {@code bench/soak/scheduler-steps}.
 *
 * <p>What it catches, each tried by breaking the scheduler so and seeing it fail: a block released without looking at its
 * other users, and one kept when its sequence ends (blocks are lost); a prefix found by four bits of its hash, and V0 trusting
 * blocks that nobody has written (the KV entry is another's); a step that forgets to count running sequences (too many
 * tokens); a newcomer put at the head of the waiting queue, of V1 and of V0 (overtaken); a prompt taken from the cache whole
 * (computes nothing).
 */
class SchedulerInvariantsTest {
    private static final int STEPS = 15_000;

    @ParameterizedTest
    @EnumSource(Version.class)
    void everySequenceEnds_withinItsLimits_onIntactBlocks(Version version) {
        int steps = 0;
        for (int seed = 0; steps < STEPS; seed++) {
            steps += new SchedulerSoak(version, seed).play();
        }
        assertThat(steps).isLessThan(STEPS + SchedulerSoak.TURNS);
    }
}
