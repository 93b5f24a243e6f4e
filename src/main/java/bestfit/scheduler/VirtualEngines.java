package bestfit.scheduler;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.stream.IntStream;

/**
 * V0 under pipeline parallelism: as many schedulers as stages, each with its share of the KV blocks and with one step
 * outstanding at most. A sequence goes to the one with the fewest and stays there; they take turns.
 */
final class VirtualEngines implements Scheduler {
    private final List<V0Scheduler> engines;
    private final IdentityHashMap<ScheduledStep, V0Scheduler> outstanding = new IdentityHashMap<>();
    private int turn;

    VirtualEngines(SchedulerConfig config) {
        var share = config.withBlocks(Math.max(1, config.numBlocks() / config.stages()));
        this.engines = IntStream.range(0, config.stages())
                .mapToObj(_ -> new V0Scheduler(share))
                .toList();
    }

    @Override
    public void add(Sequence sequence) {
        if (engines.stream().anyMatch(engine -> engine.holds(sequence.id()))) {
            throw new IllegalArgumentException("sequence " + sequence.id() + " is there already");
        }
        var fewest = engines.getFirst();
        for (var engine : engines) {
            fewest = unfinished(engine) < unfinished(fewest) ? engine : fewest;
        }
        fewest.add(sequence);
    }

    private static int unfinished(V0Scheduler engine) {
        return engine.running() + engine.waiting();
    }

    @Override
    public void abort(String id) {
        engines.forEach(engine -> engine.abort(id));
    }

    /** The step of the next one whose last step came back; an empty one when all are out or have nothing to do. */
    @Override
    public ScheduledStep schedule() {
        for (int i = 0; i < engines.size(); i++) {
            var engine = engines.get((turn + i) % engines.size());
            if (engine.hasWork() && !outstanding.containsValue(engine)) {
                turn = (turn + i + 1) % engines.size();
                var step = engine.schedule();
                if (!step.chunks().isEmpty() || !step.refused().isEmpty()) {
                    outstanding.put(step, engine);
                    return step;
                }
            }
        }
        return new ScheduledStep(List.of(), List.of(), List.of());
    }

    @Override
    public List<Sequence> complete(ScheduledStep step, int[] sampled) {
        var engine = outstanding.remove(step);
        return engine == null ? List.of() : engine.complete(step, sampled);
    }

    @Override
    public int running() {
        return engines.stream().mapToInt(Scheduler::running).sum();
    }

    @Override
    public int waiting() {
        return engines.stream().mapToInt(Scheduler::waiting).sum();
    }

    @Override
    public int freeBlocks() {
        return engines.stream().mapToInt(Scheduler::freeBlocks).sum();
    }

    @Override
    public boolean hasWork() {
        return engines.stream().anyMatch(Scheduler::hasWork);
    }

    @Override
    public void resetPrefixCache() {
        new ArrayList<>(engines).forEach(Scheduler::resetPrefixCache);
    }

    @Override
    public double kvUsage() {
        return engines.stream().mapToDouble(Scheduler::kvUsage).average().orElse(0);
    }
}
