package bestfit.hardware;

import bestfit.config.Json;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What one look at a machine's NVIDIA GPUs found.
 *
 * @param source {@code nvml}, {@code nvidia-smi}, {@code mlnode} or {@code none}
 * @param gpus in the driver's order; none is an empty list
 * @param links one for each pair, where the source tells them
 * @param problem why a source that is here told no GPU; null without such trouble
 */
public record GpuReading(
        String source,
        Driver driver,
        List<Gpu> gpus,
        List<GpuLink> links,
        @Nullable String problem) {
    public static final GpuReading NONE = new GpuReading("none", Driver.NONE, List.of(), List.of(), null);

    private static final String ML_NODE = "mlnode";

    public GpuReading {
        gpus = List.copyOf(gpus);
        links = List.copyOf(links);
    }

    static GpuReading none(String problem) {
        return new GpuReading("none", Driver.NONE, List.of(), List.of(), problem);
    }

    /** Versions as the driver tells them; null for what it does not. */
    public record Driver(
            @Nullable String version,
            @Nullable String cuda,
            @Nullable String nvml) {
        static final Driver NONE = new Driver(null, null, null);
    }

    /** By a source that tells neither power nor clocks. */
    public boolean isOfMlNode() {
        return source.equals(ML_NODE);
    }

    /** The GPUs that can be used, as devices for instances. */
    public List<Device> devices() {
        return gpus.stream().flatMap(GpuReading::device).toList();
    }

    private static Stream<Device> device(Gpu gpu) {
        var memory = gpu.memory();
        return memory == null || gpu.error() != null
                ? Stream.empty()
                : Stream.of(new Device(Device.Kind.GPU, gpu.index(), gpu.name(), memory.totalBytes()));
    }

    /** False where some pair is known to lack peer-to-peer access; empty where nothing is told. */
    public Optional<Boolean> peerToPeer() {
        var told = links.stream()
                .flatMap(link -> Stream.ofNullable(link.peerToPeer()))
                .toList();
        return told.isEmpty() ? Optional.empty() : Optional.of(told.stream().allMatch(each -> each));
    }

    /** What a node of ours tells of its GPUs in {@link #toJson}; links and versions are left out. */
    public static GpuReading ofNode(JsonNode inventory) {
        return new GpuReading(
                inventory.path("source").asString("none"),
                Driver.NONE,
                inventory.path("gpus").valueStream().map(Gpu::read).toList(),
                List.of(),
                null);
    }

    /** What gonka's MLNode tells of them. */
    public static GpuReading ofMlNode(JsonNode answer) {
        return new GpuReading(
                ML_NODE,
                Driver.NONE,
                answer.path("devices").valueStream().map(Gpu::ofMlNode).toList(),
                List.of(),
                null);
    }

    public ObjectNode toJson() {
        var json = Json.object().put("source", source);
        json.put("driver_version", driver.version())
                .put("cuda_driver_version", driver.cuda())
                .put("nvml_version", driver.nvml())
                .put("problem", problem);
        var list = json.putArray("gpus");
        gpus.forEach(gpu -> list.add(gpu.toJson()));
        var pairs = json.putArray("links");
        links.forEach(link -> pairs.add(link.toJson()));
        return json;
    }
}
