package bestfit.metrics;

/** Takes each measurement when its request ends; when the call returns it is durable. Thread-safe. */
@FunctionalInterface
public interface MeasurementSink {
    void accept(Measurement measurement);
}
