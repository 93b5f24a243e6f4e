package bestfit.engine;

import bestfit.engine.StepExecutor.Row;
import bestfit.time.NanoClock;
import java.util.List;
import java.util.SplittableRandom;

/** Another timer made as unsteady as real servers are. */
final class UnsteadyTimer implements StepTimer {
    private static final double HOUR_NANOS = 3.6e12;

    private final StepTimer inner;
    private final Simulation simulation;
    private final NanoClock clock;
    private final SplittableRandom random;
    private final long startNanos;
    private final double speed;

    /** @param seed of this start: another one gives another speed within the spread */
    UnsteadyTimer(StepTimer inner, Simulation simulation, NanoClock clock, long seed) {
        this.inner = inner;
        this.simulation = simulation;
        this.clock = clock;
        this.random = new SplittableRandom(seed);
        this.startNanos = clock.nanoTime();
        this.speed = Math.exp(simulation.spread() * random.nextGaussian());
    }

    @Override
    public Times of(List<Row> rows) {
        double noise = Math.exp(simulation.noise() * random.nextGaussian());
        double drift = 1 + simulation.drift() * (clock.nanoTime() - startNanos) / HOUR_NANOS;
        return inner.of(rows).scaled(speed * noise * drift);
    }
}
