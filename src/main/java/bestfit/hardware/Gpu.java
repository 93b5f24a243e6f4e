package bestfit.hardware;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One GPU as its driver tells it now. What the driver does not tell is null.
 *
 * @param index as CUDA counts with {@code CUDA_DEVICE_ORDER=PCI_BUS_ID}
 * @param uuid empty if not told
 * @param busyPercent share of the last moments in which a kernel ran
 * @param error why the GPU cannot be used; null for a sound one
 */
public record Gpu(
        int index,
        String name,
        String uuid,
        @Nullable Memory memory,
        @Nullable Integer busyPercent,
        @Nullable Integer temperatureCelsius,
        Power power,
        Clocks clocks,
        Pcie pcie,
        @Nullable Integer nvlinks,
        @Nullable String computeCapability,
        @Nullable String error) {

    /** In bytes; used and free need not sum to the total, the driver keeps some. */
    public record Memory(long totalBytes, long freeBytes, long usedBytes) {}

    /** In watts. */
    public record Power(
            @Nullable Double drawWatts, @Nullable Double limitWatts) {
        static final Power UNKNOWN = new Power(null, null);
    }

    /**
     * In MHz.
     *
     * @param slowedBy what holds them down now, such as {@code power-cap}; {@code idle} is among them
     */
    public record Clocks(
            @Nullable Integer smMhz,
            @Nullable Integer memoryMhz,
            @Nullable Integer mostSmMhz,
            List<String> slowedBy) {
        static final Clocks UNKNOWN = new Clocks(null, null, null, List.of());

        public Clocks {
            slowedBy = List.copyOf(slowedBy);
        }
    }

    /** An idle link falls back to an early generation, so the most it can do is told apart. */
    public record Pcie(
            @Nullable Integer generation,
            @Nullable Integer lanes,
            @Nullable Integer mostGeneration,
            @Nullable Integer mostLanes) {
        static final Pcie UNKNOWN = new Pcie(null, null, null, null);
    }

    /** One that is there and cannot be used. */
    static Gpu broken(int index, String error) {
        return named(index, "GPU " + index, "", error);
    }

    /** One of which the source tells nothing. */
    static Gpu unread(int index, String uuid) {
        return named(index, uuid, uuid, null);
    }

    private static Gpu named(int index, String name, String uuid, @Nullable String error) {
        return new Gpu(
                index, name, uuid, null, null, null, Power.UNKNOWN, Clocks.UNKNOWN, Pcie.UNKNOWN, null, null, error);
    }

    /** Bits of the driver's mask of clock event reasons (NVML, formerly throttle reasons). */
    static List<String> slowedBy(long mask) {
        var names = List.of(
                "idle",
                "application-clocks",
                "power-cap",
                "hw-slowdown",
                "sync-boost",
                "sw-thermal",
                "hw-thermal",
                "power-brake",
                "display-clocks");
        return java.util.stream.IntStream.range(0, names.size())
                .filter(bit -> (mask >> bit & 1) != 0)
                .mapToObj(names::get)
                .toList();
    }

    /** True for what holds clocks down when cooling or power supply fall short; a power cap is usual under load. */
    public static boolean isTrouble(String reason) {
        return reason.endsWith("thermal") || reason.equals("hw-slowdown") || reason.equals("power-brake");
    }

    /** Of {@link #toJson}, at another place. */
    static Gpu read(JsonNode json) {
        var total = json.path("memory_total_bytes");
        var slowed = new ArrayList<String>();
        json.path("slowed_by").forEach(reason -> slowed.add(reason.asString("")));
        return new Gpu(
                json.path("index").asInt(0),
                json.path("name").asString("GPU"),
                json.path("uuid").asString(""),
                total.isNumber()
                        ? new Memory(
                                total.asLong(),
                                json.path("memory_free_bytes").asLong(0),
                                json.path("memory_used_bytes").asLong(0))
                        : null,
                whole(json, "busy_percent"),
                whole(json, "temperature_c"),
                new Power(decimal(json, "power_w"), decimal(json, "power_limit_w")),
                new Clocks(
                        whole(json, "sm_clock_mhz"),
                        whole(json, "memory_clock_mhz"),
                        whole(json, "sm_clock_most_mhz"),
                        slowed),
                new Pcie(
                        whole(json, "pcie_generation"),
                        whole(json, "pcie_lanes"),
                        whole(json, "pcie_generation_most"),
                        whole(json, "pcie_lanes_most")),
                whole(json, "nvlinks"),
                text(json, "compute_capability"),
                text(json, "error"));
    }

    /** As gonka's MLNode tells it in {@code /api/v1/gpu/devices}: no power, no clocks, nor what holds them down. */
    static Gpu ofMlNode(JsonNode json) {
        var total = json.path("total_memory_mb");
        return new Gpu(
                json.path("index").asInt(0),
                json.path("name").asString("GPU"),
                "",
                total.isNumber()
                        ? new Memory(
                                total.asLong() << 20,
                                json.path("free_memory_mb").asLong(0) << 20,
                                json.path("used_memory_mb").asLong(0) << 20)
                        : null,
                whole(json, "utilization_percent"),
                whole(json, "temperature_c"),
                Power.UNKNOWN,
                Clocks.UNKNOWN,
                Pcie.UNKNOWN,
                null,
                null,
                text(json, "error_message"));
    }

    private static @Nullable Integer whole(JsonNode json, String name) {
        return json.path(name).isNumber() ? Integer.valueOf(json.path(name).asInt()) : null;
    }

    private static @Nullable Double decimal(JsonNode json, String name) {
        return json.path(name).isNumber() ? Double.valueOf(json.path(name).asDouble()) : null;
    }

    private static @Nullable String text(JsonNode json, String name) {
        return json.path(name).isString() ? json.path(name).stringValue() : null;
    }

    /** All that is known, every unit in its name. */
    public ObjectNode toJson() {
        var json = Json.object().put("index", index).put("name", name).put("uuid", uuid);
        json.put("memory_total_bytes", memory == null ? null : memory.totalBytes())
                .put("memory_free_bytes", memory == null ? null : memory.freeBytes())
                .put("memory_used_bytes", memory == null ? null : memory.usedBytes())
                .put("busy_percent", busyPercent)
                .put("temperature_c", temperatureCelsius)
                .put("power_w", power.drawWatts())
                .put("power_limit_w", power.limitWatts())
                .put("sm_clock_mhz", clocks.smMhz())
                .put("sm_clock_most_mhz", clocks.mostSmMhz())
                .put("memory_clock_mhz", clocks.memoryMhz());
        var slowed = json.putArray("slowed_by");
        clocks.slowedBy().forEach(slowed::add);
        return json.put("pcie_generation", pcie.generation())
                .put("pcie_lanes", pcie.lanes())
                .put("pcie_generation_most", pcie.mostGeneration())
                .put("pcie_lanes_most", pcie.mostLanes())
                .put("nvlinks", nvlinks)
                .put("compute_capability", computeCapability)
                .put("error", error);
    }
}
