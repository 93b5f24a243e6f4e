package bestfit.hardware;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ArrayNode;

/** Looks at the GPUs once a second beside a measurement, so that a throttled run can be told from a slow config. */
public final class GpuSampler implements AutoCloseable {
    private static final long PERIOD_MILLIS = 1000;

    private final GpuSource source;
    private final TreeMap<Integer, Series> byGpu = new TreeMap<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("gpu-sampler").factory());

    private GpuSampler(GpuSource source) {
        this.source = source;
    }

    /** Begins; on a source without GPUs nothing is asked again. Closes the source in the end. */
    public static GpuSampler start(GpuSource source) {
        var sampler = new GpuSampler(source);
        if (!source.read().gpus().isEmpty()) {
            var ticking = sampler.clock.scheduleAtFixedRate(sampler::sample, 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
            assert !ticking.isCancelled();
        }
        return sampler;
    }

    private void sample() {
        var reading = source.read(); // may take its time, which nobody waits for
        synchronized (this) {
            reading.gpus().forEach(this::add);
        }
    }

    private void add(Gpu gpu) {
        byGpu.computeIfAbsent(gpu.index(), _ -> new Series(gpu.name())).add(gpu);
    }

    /** One object for each GPU: samples, means, the extremes, and all that held the clocks down, with in how many samples; empty without a GPU. */
    public synchronized ArrayNode summary() {
        var list = Json.array();
        byGpu.forEach((index, series) -> list.add(series.json(index)));
        return list;
    }

    @Override
    public void close() {
        clock.shutdownNow();
        try {
            clock.awaitTermination(PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        }
        source.close();
    }

    private static final class Series {
        private final String name;
        private final List<Integer> busy = new ArrayList<>();
        private final List<Integer> celsius = new ArrayList<>();
        private final List<Integer> smMhz = new ArrayList<>();
        private final List<Double> watts = new ArrayList<>();
        private final Map<String, Integer> slowedBy = new LinkedHashMap<>();
        private long mostUsedBytes;
        private int samples;

        Series(String name) {
            this.name = name;
        }

        void add(Gpu gpu) {
            samples++;
            add(busy, gpu.busyPercent());
            add(celsius, gpu.temperatureCelsius());
            add(smMhz, gpu.clocks().smMhz());
            add(watts, gpu.power().drawWatts());
            gpu.clocks().slowedBy().forEach(reason -> slowedBy.merge(reason, 1, Integer::sum));
            var memory = gpu.memory();
            mostUsedBytes = Math.max(mostUsedBytes, memory == null ? 0 : memory.usedBytes());
        }

        private static <T> void add(List<T> to, @org.jspecify.annotations.Nullable T value) {
            if (value != null) {
                to.add(value);
            }
        }

        tools.jackson.databind.node.ObjectNode json(int index) {
            var json = Json.object().put("index", index).put("name", name).put("samples", samples);
            json.put("memory_used_most_bytes", mostUsedBytes);
            if (!busy.isEmpty()) {
                json.put("busy_percent_mean", mean(busy));
            }
            if (!celsius.isEmpty()) {
                json.put(
                        "temperature_most_c",
                        celsius.stream().mapToInt(each -> each).max().orElse(0));
            }
            if (!watts.isEmpty()) {
                json.put("power_w_mean", mean(watts));
            }
            if (!smMhz.isEmpty()) {
                json.put("sm_clock_mhz_mean", mean(smMhz))
                        .put(
                                "sm_clock_least_mhz",
                                smMhz.stream().mapToInt(each -> each).min().orElse(0));
            }
            var reasons = json.putArray("slowed_by");
            slowedBy.keySet().forEach(reasons::add);
            var samples = json.putObject("slowed_by_samples");
            slowedBy.forEach(samples::put);
            return json;
        }

        private static double mean(List<? extends Number> values) {
            double mean =
                    values.stream().mapToDouble(Number::doubleValue).average().orElse(0);
            return Math.round(mean * 10) / 10.0;
        }
    }
}
