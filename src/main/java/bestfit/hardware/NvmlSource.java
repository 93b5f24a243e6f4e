package bestfit.hardware;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** GPUs as NVML tells them; numbers of enumerations are those of {@code nvml.h}. */
final class NvmlSource implements GpuSource {
    private static final int TEXT_BYTES = 96;
    private static final int SM_CLOCK = 1;
    private static final int MEMORY_CLOCK = 2;
    private static final int P2P_READ = 0;
    private static final int P2P_NVLINK = 2;
    private static final int MOST_NVLINKS = 18;

    private final Nvml nvml;

    NvmlSource(Nvml nvml) {
        this.nvml = nvml;
    }

    @Override
    public synchronized GpuReading read() {
        try (var arena = Arena.ofConfined()) {
            var gpus = new ArrayList<Gpu>();
            var handles = new ArrayList<Optional<MemorySegment>>();
            int count = number(arena, "nvmlDeviceGetCount_v2").orElse(0);
            for (int i = 0; i < count; i++) {
                var at = arena.allocate(ValueLayout.ADDRESS);
                int status = nvml.call("nvmlDeviceGetHandleByIndex_v2", i, at);
                boolean found = status == Nvml.SUCCESS;
                handles.add(found ? Optional.of(at.get(ValueLayout.ADDRESS, 0)) : Optional.empty());
                gpus.add(found ? gpu(arena, i, at.get(ValueLayout.ADDRESS, 0)) : Gpu.broken(i, error(status)));
            }
            return new GpuReading("nvml", driver(arena), gpus, links(arena, handles), null);
        }
    }

    @Override
    public synchronized Gpu part(int index, String uuid) {
        try (var arena = Arena.ofConfined()) {
            var at = arena.allocate(ValueLayout.ADDRESS);
            return nvml.call("nvmlDeviceGetHandleByUUID", arena.allocateFrom(uuid), at) == Nvml.SUCCESS
                    ? gpu(arena, index, at.get(ValueLayout.ADDRESS, 0))
                    : Gpu.unread(index, uuid);
        }
    }

    private static String error(int status) {
        return switch (status) {
            case 4 -> "no permission to use it";
            case 8 -> "its power cables are not attached";
            case 15 -> "it has fallen off the bus; a restart of the machine may bring it back";
            default -> "the driver answers with NVML error " + status;
        };
    }

    private GpuReading.Driver driver(Arena arena) {
        var cuda = number(arena, "nvmlSystemGetCudaDriverVersion_v2");
        return new GpuReading.Driver(
                text(arena, "nvmlSystemGetDriverVersion").orElse(null),
                cuda.isEmpty() ? null : cuda.getAsInt() / 1000 + "." + cuda.getAsInt() % 1000 / 10,
                text(arena, "nvmlSystemGetNVMLVersion").orElse(null));
    }

    private Gpu gpu(Arena arena, int index, MemorySegment device) {
        var milliwatts = number(arena, "nvmlDeviceGetPowerUsage", device);
        var limit = number(arena, "nvmlDeviceGetEnforcedPowerLimit", device);
        return new Gpu(
                index,
                text(arena, "nvmlDeviceGetName", device).orElse("GPU " + index),
                text(arena, "nvmlDeviceGetUUID", device).orElse(""),
                memory(arena, device),
                busy(arena, device),
                boxed(number(arena, "nvmlDeviceGetTemperature", device, 0)),
                new Gpu.Power(watts(milliwatts), watts(limit)),
                new Gpu.Clocks(
                        boxed(number(arena, "nvmlDeviceGetClockInfo", device, SM_CLOCK)),
                        boxed(number(arena, "nvmlDeviceGetClockInfo", device, MEMORY_CLOCK)),
                        boxed(number(arena, "nvmlDeviceGetMaxClockInfo", device, SM_CLOCK)),
                        slowedBy(arena, device)),
                new Gpu.Pcie(
                        boxed(number(arena, "nvmlDeviceGetCurrPcieLinkGeneration", device)),
                        boxed(number(arena, "nvmlDeviceGetCurrPcieLinkWidth", device)),
                        boxed(number(arena, "nvmlDeviceGetMaxPcieLinkGeneration", device)),
                        boxed(number(arena, "nvmlDeviceGetMaxPcieLinkWidth", device))),
                nvlinks(arena, device),
                computeCapability(arena, device),
                null);
    }

    private Gpu.@Nullable Memory memory(Arena arena, MemorySegment device) {
        var at = arena.allocate(ValueLayout.JAVA_LONG, 3);
        return nvml.call("nvmlDeviceGetMemoryInfo", device, at) == Nvml.SUCCESS
                ? new Gpu.Memory(
                        at.getAtIndex(ValueLayout.JAVA_LONG, 0),
                        at.getAtIndex(ValueLayout.JAVA_LONG, 1),
                        at.getAtIndex(ValueLayout.JAVA_LONG, 2))
                : null;
    }

    private @Nullable Integer busy(Arena arena, MemorySegment device) {
        var at = arena.allocate(ValueLayout.JAVA_INT, 2);
        return nvml.call("nvmlDeviceGetUtilizationRates", device, at) == Nvml.SUCCESS
                ? Integer.valueOf(at.getAtIndex(ValueLayout.JAVA_INT, 0))
                : null;
    }

    private List<String> slowedBy(Arena arena, MemorySegment device) {
        var at = arena.allocate(ValueLayout.JAVA_LONG);
        // The old name of nvmlDeviceGetCurrentClocksEventReasons; new libraries have both.
        return nvml.call("nvmlDeviceGetCurrentClocksThrottleReasons", device, at) == Nvml.SUCCESS
                ? Gpu.slowedBy(at.get(ValueLayout.JAVA_LONG, 0))
                : List.of();
    }

    /** Links that are up; null where the GPU has no such thing. */
    private @Nullable Integer nvlinks(Arena arena, MemorySegment device) {
        int up = 0;
        boolean told = false;
        for (int link = 0; link < MOST_NVLINKS; link++) {
            var state = number(arena, "nvmlDeviceGetNvLinkState", device, link);
            told |= state.isPresent();
            up += state.orElse(0);
        }
        return told ? Integer.valueOf(up) : null;
    }

    private @Nullable String computeCapability(Arena arena, MemorySegment device) {
        var major = arena.allocate(ValueLayout.JAVA_INT);
        var minor = arena.allocate(ValueLayout.JAVA_INT);
        return nvml.call("nvmlDeviceGetCudaComputeCapability", device, major, minor) == Nvml.SUCCESS
                ? major.get(ValueLayout.JAVA_INT, 0) + "." + minor.get(ValueLayout.JAVA_INT, 0)
                : null;
    }

    private List<GpuLink> links(Arena arena, List<Optional<MemorySegment>> handles) {
        var links = new ArrayList<GpuLink>();
        for (int i = 0; i < handles.size(); i++) {
            for (int j = i + 1; j < handles.size(); j++) {
                if (handles.get(i).isPresent() && handles.get(j).isPresent()) {
                    links.add(link(
                            arena,
                            i,
                            j,
                            handles.get(i).orElseThrow(),
                            handles.get(j).orElseThrow()));
                }
            }
        }
        return links;
    }

    private GpuLink link(Arena arena, int i, int j, MemorySegment one, MemorySegment other) {
        var ancestor = number(arena, "nvmlDeviceGetTopologyCommonAncestor", one, other);
        var path = ancestor.isEmpty()
                ? null
                : switch (ancestor.getAsInt()) {
                    case 0 -> "board";
                    case 10 -> "switch";
                    case 20 -> "switches";
                    case 30 -> "host-bridge";
                    case 40 -> "numa-node";
                    default -> "system";
                };
        return new GpuLink(
                i,
                j,
                path,
                ok(number(arena, "nvmlDeviceGetP2PStatus", one, other, P2P_NVLINK)),
                ok(number(arena, "nvmlDeviceGetP2PStatus", one, other, P2P_READ)));
    }

    private static @Nullable Boolean ok(OptionalInt status) {
        return status.isEmpty() ? null : Boolean.valueOf(status.getAsInt() == 0);
    }

    /** A whole number that the function writes behind its other arguments. */
    private OptionalInt number(Arena arena, String function, Object... arguments) {
        var at = arena.allocate(ValueLayout.JAVA_INT);
        return nvml.call(function, with(arguments, at)) == Nvml.SUCCESS
                ? OptionalInt.of(at.get(ValueLayout.JAVA_INT, 0))
                : OptionalInt.empty();
    }

    private Optional<String> text(Arena arena, String function, Object... arguments) {
        var at = arena.allocate(TEXT_BYTES);
        return nvml.call(function, with(arguments, at, TEXT_BYTES)) == Nvml.SUCCESS
                ? Optional.of(at.getString(0))
                : Optional.empty();
    }

    private static Object[] with(Object[] arguments, Object... more) {
        var all = new ArrayList<Object>(List.of(arguments));
        all.addAll(List.of(more));
        return all.toArray();
    }

    private static @Nullable Integer boxed(OptionalInt number) {
        return number.isEmpty() ? null : Integer.valueOf(number.getAsInt());
    }

    private static @Nullable Double watts(OptionalInt milliwatts) {
        return milliwatts.isEmpty() ? null : Double.valueOf(milliwatts.getAsInt() / 1e3);
    }

    @Override
    public synchronized void close() {
        nvml.close();
    }
}
