package bestfit.hardware;

import java.util.Map;

/** Tells the NVIDIA GPUs of a machine. Implementations are thread-safe and never throw for lack of a GPU or a driver. */
public interface GpuSource extends AutoCloseable {
    /** A machine without any. */
    GpuSource NONE = () -> GpuReading.NONE;

    GpuReading read();

    /**
     * A MIG part of a GPU, which is not listed among them; without its memory where the source does not know it.
     *
     * @param index to tell it apart by
     */
    default Gpu part(int index, String uuid) {
        return Gpu.unread(index, uuid);
    }

    @Override
    default void close() {}

    /** This machine's that {@code CUDA_VISIBLE_DEVICES} leaves. */
    static GpuSource here(Map<String, String> environment) {
        var machine = machine(environment);
        var visible = environment.get(VisibleGpus.VARIABLE);
        return visible == null ? machine : new VisibleGpus(machine, visible);
    }

    /** All of this machine's: through the driver's library, else its program, else none. */
    static GpuSource machine(Map<String, String> environment) {
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
