package bestfit.time;

/**
 * A clock that runs faster than another by a constant factor, so that hardware can be simulated quicker than life without
 * anything that looks at the clock knowing. Both show the same time at the start. Immutable; thread-safe.
 *
 * @param scale nanoseconds of this clock to one of {@code base}
 */
public record ScaledClock(NanoClock base, long originNanos, double scale) implements NanoClock {
    public ScaledClock {
        if (!(scale > 0) || Double.isInfinite(scale)) {
            throw new IllegalArgumentException("scale " + scale + "; it must be more than 0");
        }
    }

    /** Starts a clock over {@link NanoClock#SYSTEM}. */
    public static ScaledClock start(double scale) {
        return new ScaledClock(SYSTEM, SYSTEM.nanoTime(), scale);
    }

    @Override
    public long nanoTime() {
        return at(base.nanoTime());
    }

    /** What this clock shows when the base shows {@code baseNanos}. */
    public long at(long baseNanos) {
        return scale == 1 ? baseNanos : originNanos + Math.round((baseNanos - originNanos) * scale);
    }

    /** What the base shows when this clock shows {@code nanos}: the inverse of {@link #at}. */
    public long baseAt(long nanos) {
        return scale == 1 ? nanos : originNanos + Math.round((nanos - originNanos) / scale);
    }
}
