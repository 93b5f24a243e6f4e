package bestfit.hardware;

import java.util.Map;

/** Tells the NVIDIA GPUs of a machine. Implementations are thread-safe and never throw for lack of a GPU or a driver. */
public interface GpuSource extends AutoCloseable {
    /** A machine without any. */
    GpuSource NONE = () -> GpuReading.NONE;

    GpuReading read();

    @Override
    default void close() {}

    /** This machine's: through the driver's library, else its program, else none. */
    static GpuSource here(Map<String, String> environment) {
        var nvml = Nvml.open();
        if (nvml.isPresent()) {
            return new NvmlSource(nvml.get());
        }
        return SmiInventory.onPath("nvidia-smi", environment)
                .<GpuSource>map(SmiSource::new)
                .orElse(NONE);
    }

    /** One look at this machine. */
    static GpuReading readHere(Map<String, String> environment) {
        try (var source = here(environment)) {
            return source.read();
        }
    }
}
