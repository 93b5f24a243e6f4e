package bestfit.hardware;

import bestfit.config.ConfigException;
import bestfit.config.ConfigReader;
import bestfit.config.Problems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A server of equal GPUs.
 *
 * @param link how they reach each other
 */
public record ServerSpec(GpuSpec gpu, int count, Interconnect link) {
    private static final Pattern SHORT = Pattern.compile("(\\d{1,4})\\s*[xX×]\\s*(.+)");

    /**
     * Reads {@code 8x4070tis}, {@code 4xL4}, {@code 8xH100-SXM}, a GPU's name alone (one of them), or the path of a YAML
     * file with {@code gpu}, {@code count} and, where they differ from the usual, {@code interconnect} (nvlink, pcie3,
     * pcie4, pcie5), {@code lanes} and {@code p2p}.
     *
     * @throws ConfigException naming an unknown GPU and the nearest known one
     */
    public static ServerSpec parse(String text) {
        if (text.endsWith(".yml") || text.endsWith(".yaml")) {
            return ofYaml(Path.of(text));
        }
        var parts = SHORT.matcher(text.strip());
        return parts.matches() ? of(parts.group(2), Integer.parseInt(parts.group(1)), text) : of(text.strip(), 1, text);
    }

    /** What an inventory names, with the links it tells; the data sheet's where it tells none. At least one GPU. */
    public static ServerSpec of(GpuReading reading) {
        var devices = reading.devices();
        var plain = of(devices.getFirst().name(), devices.size(), "this machine");
        return new ServerSpec(plain.gpu(), plain.count(), link(reading, plain.link()));
    }

    private static Interconnect link(GpuReading reading, Interconnect usual) {
        var pairs = reading.links();
        boolean nvlink = !pairs.isEmpty() && pairs.stream().allMatch(pair -> Boolean.TRUE.equals(pair.nvlink()));
        boolean told = !pairs.isEmpty() && pairs.stream().allMatch(pair -> pair.nvlink() != null);
        boolean peerToPeer = reading.peerToPeer().orElse(usual.peerToPeer());
        if (nvlink || !told) {
            return new Interconnect(usual.kind(), usual.bytesPerSecond(), peerToPeer, host(reading, usual));
        }
        return pcie(reading, peerToPeer);
    }

    /** What the driver tells of PCIe; the data sheet's where it tells nothing, or the host is reached otherwise. */
    private static double host(GpuReading reading, Interconnect usual) {
        var gpus = reading.gpus();
        boolean told =
                !gpus.isEmpty() && gpus.stream().allMatch(gpu -> gpu.pcie().mostGeneration() != null);
        boolean overPcie = usual.hostBytesPerSecond() <= Interconnect.usualSpeed(Interconnect.Kind.PCIE5);
        return told && overPcie ? pcie(reading, true).hostBytesPerSecond() : usual.hostBytesPerSecond();
    }

    /** By the slowest GPU's way to the host. */
    private static Interconnect pcie(GpuReading reading, boolean peerToPeer) {
        var kind = Interconnect.Kind.PCIE5;
        int lanes = 16;
        for (var gpu : reading.gpus()) {
            kind = slower(kind, gpu.pcie().mostGeneration());
            lanes = Math.min(lanes, Objects.requireNonNullElse(gpu.pcie().mostLanes(), lanes));
        }
        return Interconnect.pcie(kind, lanes, peerToPeer);
    }

    private static Interconnect.Kind slower(Interconnect.Kind kind, @Nullable Integer generation) {
        if (generation == null || generation > 4) {
            return kind;
        }
        return generation == 4 && kind != Interconnect.Kind.PCIE3 ? Interconnect.Kind.PCIE4 : Interconnect.Kind.PCIE3;
    }

    private static ServerSpec of(String gpuName, int count, String where) {
        if (count < 1) {
            throw new ConfigException("server " + where + ": " + count + " GPUs; at least 1");
        }
        var gpu = Gpus.find(gpuName).orElseThrow(() -> unknown(gpuName, where));
        return new ServerSpec(gpu, count, gpu.link());
    }

    private static ConfigException unknown(String gpuName, String where) {
        var nearest = Gpus.nearest(gpuName)
                .map(name -> "; the nearest known is " + name)
                .orElse("");
        return new ConfigException("server " + where + ": GPU " + gpuName + " is not known" + nearest + "; known are "
                + String.join(", ", Gpus.all().stream().map(GpuSpec::name).toList()));
    }

    private static ServerSpec ofYaml(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new ConfigException("server " + file + ": no such file");
        }
        var problems = new Problems();
        var readers = ConfigReader.ofFile(file, problems);
        if (readers.isEmpty()) {
            problems.throwIfAny();
        }
        var reader = readers.getFirst();
        var gpu = reader.string("gpu");
        var count = reader.string("count");
        var kind = reader.string("interconnect");
        var lanes = reader.string("lanes");
        var p2p = reader.string("p2p");
        if (gpu == null) {
            reader.problem("gpu", "missing; a GPU's name");
        }
        if (count == null || !count.matches("\\d{1,4}")) {
            reader.problem("count", "\"" + count + "\" must be a whole number of at least 1");
        }
        if (lanes != null && !lanes.matches("1|2|4|8|16")) {
            reader.problem("lanes", "\"" + lanes + "\" must be 1, 2, 4, 8 or 16");
        }
        if (kind != null && !kind.toLowerCase(Locale.ROOT).matches("nvlink|pcie[345]")) {
            reader.problem("interconnect", "\"" + kind + "\" must be nvlink, pcie3, pcie4 or pcie5");
        }
        problems.throwIfAny();
        var plain = of(String.valueOf(gpu), Integer.parseInt(String.valueOf(count)), file.toString());
        var usual = plain.link();
        var linkKind = kind == null ? usual.kind() : Interconnect.Kind.valueOf(kind.toUpperCase(Locale.ROOT));
        double full = linkKind == usual.kind() ? usual.bytesPerSecond() : Interconnect.usualSpeed(linkKind);
        double speed = lanes == null ? full : full * Integer.parseInt(lanes) / 16;
        return new ServerSpec(
                plain.gpu(),
                plain.count(),
                new Interconnect(
                        linkKind,
                        speed,
                        p2p == null ? usual.peerToPeer() : Boolean.parseBoolean(p2p),
                        linkKind == Interconnect.Kind.NVLINK ? usual.hostBytesPerSecond() : speed));
    }

    @Override
    public String toString() {
        return count + "x" + gpu.name();
    }
}
