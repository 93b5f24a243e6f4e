package bestfit.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.scheduler.ScheduledStep.Chunk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** V0 under pipeline parallelism. */
class VirtualEnginesTest {
    private static final int[] PROMPT = {1, 2, 3, 4, 5, 6};

    private static Scheduler twoStages() {
        return Scheduler.of(new SchedulerConfig(
                SchedulerConfig.Version.V0,
                4,
                64,
                32,
                4,
                40,
                false,
                false,
                0,
                SchedulerConfig.Policy.FCFS,
                0,
                true,
                false,
                2,
                SchedulerConfig.PartialPrefills.ONE));
    }

    private static List<String> ids(ScheduledStep step) {
        return step.chunks().stream().map(Chunk::sequence).map(Sequence::id).toList();
    }

    private static int[] tokens(ScheduledStep step) {
        var sampled = new int[step.chunks().size()];
        Arrays.fill(sampled, 9);
        return sampled;
    }

    @Test
    void requestsAreDealtOut_andEachEngineHasOneStepUnderWay() {
        var scheduler = twoStages();
        for (var id : List.of("a", "b", "c")) {
            scheduler.add(new Sequence(id, PROMPT, 0, new Sequence.Limits(3, 0, new int[0])));
        }
        var first = scheduler.schedule();
        var second = scheduler.schedule();
        assertThat(ids(first)).containsExactly("a", "c");
        assertThat(ids(second)).containsExactly("b");
        assertThat(scheduler.schedule().chunks()).as("both are under way").isEmpty();
        assertThat(scheduler.freeBlocks()).isEqualTo(40 - 3 * 2);

        scheduler.complete(first, tokens(first));
        assertThat(ids(scheduler.schedule())).containsExactly("a", "c");
    }

    @Test
    void allEnd_withAllBlocksGivenBack() {
        var scheduler = twoStages();
        for (int i = 0; i < 9; i++) {
            scheduler.add(new Sequence("s" + i, PROMPT, 0, new Sequence.Limits(3, 0, new int[0])));
        }
        var ended = new ArrayList<Sequence>();
        var queue = new StepQueue<>(scheduler, 2, step -> step);
        while (queue.hasWork()) {
            var oldest = queue.turn();
            if (oldest != null) {
                ended.addAll(scheduler.complete(oldest.step(), tokens(oldest.step())));
            }
        }
        assertThat(ended)
                .hasSize(9)
                .allSatisfy(sequence -> assertThat(sequence.generated()).isEqualTo(3));
        assertThat(scheduler.freeBlocks()).isEqualTo(40);
    }
}
