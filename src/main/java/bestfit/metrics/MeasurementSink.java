package bestfit.metrics;

import java.util.List;

/** Takes each measurement when its request ends; when the call returns it is durable. Thread-safe. */
@FunctionalInterface
public interface MeasurementSink {
    /** Takes several that ended close to each other; a store makes them durable at once. */
    void acceptAll(List<Measurement> measurements);

    default void accept(Measurement measurement) {
        acceptAll(List.of(measurement));
    }

    /** Tells {@code next} of measurements once this one has taken them. */
    default MeasurementSink then(MeasurementSink next) {
        return measurements -> {
            acceptAll(measurements);
            next.acceptAll(measurements);
        };
    }
}
