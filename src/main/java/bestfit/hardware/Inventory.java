package bestfit.hardware;

import java.util.ArrayList;
import java.util.List;

/**
 * The devices of a server that instances can be spread over; at least one.
 *
 * @param hostMemoryBytes the machine's memory; 0 if unknown
 */
public record Inventory(List<Device> devices, long hostMemoryBytes) {
    public Inventory {
        devices = List.copyOf(devices);
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("no device");
        }
    }

    /** Memory of an embedded device: small enough that layouts differ for the reasons they differ on GPUs. */
    public static final long CORE_MEMORY_BYTES = 256L << 20;

    /** How many cores the embedded engine takes unless told: up to 4, and at least 2 so that layouts differ. */
    public static int defaultCores(int cores) {
        return Math.max(2, Math.min(4, cores));
    }

    /** {@code count} embedded devices; more than the machine has cores is allowed, they then share them. */
    public static Inventory cores(int count) {
        var devices = new ArrayList<Device>();
        for (int i = 0; i < count; i++) {
            devices.add(new Device(Device.Kind.CORE, i, "core", CORE_MEMORY_BYTES));
        }
        return new Inventory(devices, hostMemory());
    }

    private static long hostMemory() {
        return java.lang.management.ManagementFactory.getOperatingSystemMXBean()
                        instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : 0;
    }

    /** The same kind of devices, another number of them; more than found are copies of the last. */
    public Inventory resized(int count) {
        var resized = new ArrayList<Device>();
        for (int i = 0; i < count; i++) {
            var like = devices.get(Math.min(i, devices.size() - 1));
            resized.add(new Device(like.kind(), i, like.name(), like.memoryBytes()));
        }
        return new Inventory(resized, hostMemoryBytes);
    }

    public int count() {
        return devices.size();
    }

    /** The smallest device's memory. */
    public long deviceMemoryBytes() {
        return devices.stream().mapToLong(Device::memoryBytes).min().orElseThrow();
    }

    public Device.Kind kind() {
        return devices.getFirst().kind();
    }

    /** Such as {@code 2 cores} or {@code 8 × NVIDIA H100}. */
    public String summary() {
        var first = devices.getFirst();
        return switch (first.kind()) {
            case CORE -> count() + (count() == 1 ? " core" : " cores");
            case GPU -> count() + " × " + first.name();
        };
    }
}
