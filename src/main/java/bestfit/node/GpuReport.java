package bestfit.node;

import bestfit.config.Json;
import bestfit.hardware.GpuReading;
import bestfit.hardware.GpuSource;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** GPUs and driver as the management API tells them. The driver's library stays loaded from the first question on. */
final class GpuReport {
    private final Map<String, String> environment;
    private @Nullable GpuSource source;

    GpuReport(Map<String, String> environment) {
        this.environment = environment;
    }

    /** MLNode's {@code {"devices":[…],"count":N}}; none without GPU or driver. */
    ObjectNode devices() {
        var body = Json.object();
        var list = body.putArray("devices");
        for (var gpu : read().gpus()) {
            var memory = gpu.memory();
            list.addObject()
                    .put("index", gpu.index())
                    .put("name", gpu.name())
                    .put("total_memory_mb", mib(memory == null ? null : memory.totalBytes()))
                    .put("free_memory_mb", mib(memory == null ? null : memory.freeBytes()))
                    .put("used_memory_mb", mib(memory == null ? null : memory.usedBytes()))
                    .put("utilization_percent", gpu.busyPercent())
                    .put("temperature_c", gpu.temperatureCelsius())
                    .put("is_available", gpu.error() == null)
                    .put("error_message", gpu.error());
        }
        return body.put("count", list.size());
    }

    /** MLNode's three versions; empty without a driver. */
    Optional<ObjectNode> driver() {
        var reading = read();
        var driver = reading.driver();
        return reading.equals(GpuReading.NONE)
                ? Optional.empty()
                : Optional.of(Json.object()
                        .put("driver_version", driver.version())
                        .put("cuda_driver_version", driver.cuda())
                        .put("nvml_version", driver.nvml()));
    }

    /** All that is known of GPUs and their links, an answer of this project's own. */
    ObjectNode inventory() {
        return read().toJson();
    }

    synchronized GpuReading read() {
        var open = source;
        if (open == null) {
            open = GpuSource.here(environment);
            source = open;
        }
        return open.read();
    }

    private static @Nullable Long mib(@Nullable Long bytes) {
        return bytes == null ? null : Long.valueOf(bytes >> 20);
    }
}
