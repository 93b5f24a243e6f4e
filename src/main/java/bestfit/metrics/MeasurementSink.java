package bestfit.metrics;

import java.util.List;

/** Takes each measurement when its request ends; when the call returns it is durable. Thread-safe. */
@FunctionalInterface
public interface MeasurementSink {
    void accept(Measurement measurement);

    /** Takes several that ended close to each other; a store makes them durable at once. */
    default void acceptAll(List<Measurement> measurements) {
        measurements.forEach(this::accept);
    }
}
