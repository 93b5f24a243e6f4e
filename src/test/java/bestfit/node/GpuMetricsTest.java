package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.hardware.Gpu;
import bestfit.hardware.GpuReading;
import java.util.List;
import org.junit.jupiter.api.Test;

class GpuMetricsTest {
    @Test
    void whatTheDriverTellsIsToldAndNothingElse() {
        var gpu = new Gpu(
                0,
                "NVIDIA L4",
                "GPU-a",
                new Gpu.Memory(1000, 700, 300),
                37,
                null,
                new Gpu.Power(71.5, null),
                new Gpu.Clocks(1230, null, null, List.of("power-cap")),
                new Gpu.Pcie(null, null, null, null),
                null,
                null,
                null);
        var reading = new GpuReading("nvml", GpuReading.NONE.driver(), List.of(gpu), List.of(), null);
        assertThat(GpuMetrics.lines(reading))
                .filteredOn(line -> !line.startsWith("#"))
                .containsExactly(
                        "bestfit_gpu_available{gpu=\"0\",name=\"NVIDIA L4\"} 1",
                        "bestfit_gpu_memory_total_bytes{gpu=\"0\",name=\"NVIDIA L4\"} 1000",
                        "bestfit_gpu_memory_used_bytes{gpu=\"0\",name=\"NVIDIA L4\"} 300",
                        "bestfit_gpu_busy_percent{gpu=\"0\",name=\"NVIDIA L4\"} 37",
                        "bestfit_gpu_power_watts{gpu=\"0\",name=\"NVIDIA L4\"} 71.5",
                        "bestfit_gpu_sm_clock_mhz{gpu=\"0\",name=\"NVIDIA L4\"} 1230",
                        "bestfit_gpu_slowed{gpu=\"0\",reason=\"power-cap\"} 1");
        assertThat(GpuMetrics.lines(GpuReading.NONE)).isEmpty();
    }
}
