package bestfit.node;

import bestfit.hardware.Gpu;
import bestfit.hardware.GpuReading;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What the driver tells of each GPU, as Prometheus lines; nothing for what it does not tell. Pure. */
final class GpuMetrics {
    private GpuMetrics() {}

    static List<String> lines(GpuReading reading) {
        var lines = new ArrayList<String>();
        var gpus = reading.gpus();
        gauge(lines, gpus, "available", gpu -> gpu.error() == null ? 1 : 0);
        gauge(lines, gpus, "memory_total_bytes", gpu -> bytes(gpu, Gpu.Memory::totalBytes));
        gauge(lines, gpus, "memory_used_bytes", gpu -> bytes(gpu, Gpu.Memory::usedBytes));
        gauge(lines, gpus, "busy_percent", Gpu::busyPercent);
        gauge(lines, gpus, "temperature_celsius", Gpu::temperatureCelsius);
        gauge(lines, gpus, "power_watts", gpu -> gpu.power().drawWatts());
        gauge(lines, gpus, "power_limit_watts", gpu -> gpu.power().limitWatts());
        gauge(lines, gpus, "sm_clock_mhz", gpu -> gpu.clocks().smMhz());
        gauge(lines, gpus, "memory_clock_mhz", gpu -> gpu.clocks().memoryMhz());
        var slowed = new ArrayList<String>();
        gpus.forEach(gpu -> gpu.clocks()
                .slowedBy()
                .forEach(reason ->
                        slowed.add("bestfit_gpu_slowed{gpu=\"" + gpu.index() + "\",reason=\"" + reason + "\"} 1")));
        typed(lines, "slowed", slowed);
        return lines;
    }

    private static @Nullable Long bytes(Gpu gpu, ToLongFunction<Gpu.Memory> part) {
        var memory = gpu.memory();
        return memory == null ? null : Long.valueOf(part.applyAsLong(memory));
    }

    private static void gauge(
            List<String> lines, List<Gpu> gpus, String name, Function<Gpu, ? extends @Nullable Number> value) {
        var values = new ArrayList<String>();
        for (var gpu : gpus) {
            var now = value.apply(gpu);
            if (now != null) {
                values.add("bestfit_gpu_" + name + "{gpu=\"" + gpu.index() + "\",name=\""
                        + NodeMetrics.escaped(gpu.name()) + "\"} " + now);
            }
        }
        typed(lines, name, values);
    }

    private static void typed(List<String> lines, String name, List<String> values) {
        if (!values.isEmpty()) {
            lines.add("# TYPE bestfit_gpu_" + name + " gauge");
            lines.addAll(values);
        }
    }
}
