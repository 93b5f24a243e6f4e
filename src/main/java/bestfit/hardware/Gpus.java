package bestfit.hardware;

import bestfit.config.Nearest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The GPUs whose data sheets are known (resource {@code gpus.csv}). */
public final class Gpus {
    private static final List<GpuSpec> ALL = read();

    private Gpus() {}

    public static List<GpuSpec> all() {
        return ALL;
    }

    /** By any spelling, vendor and case not counted, such as {@code L4}, {@code NVIDIA-H100-PCIe}, {@code RTX 4090 24GB}. */
    public static Optional<GpuSpec> find(String name) {
        var wanted = plain(name);
        var exact = ALL.stream()
                .filter(gpu -> gpu.names().stream().anyMatch(each -> plain(each).equals(wanted)))
                .findFirst();
        return exact.isPresent() ? exact : longestPrefix(wanted);
    }

    /** The known GPU whose spelling is the longest beginning of what was asked for: {@code rtx409024gb} is an RTX 4090. */
    private static Optional<GpuSpec> longestPrefix(String wanted) {
        GpuSpec best = null;
        int length = 3;
        for (var gpu : ALL) {
            for (var each : gpu.names()) {
                var known = plain(each);
                boolean ends = wanted.startsWith(known)
                        && wanted.substring(known.length()).matches("(\\d{2,3}gb)?.*")
                        && wanted.substring(known.length()).matches("\\d{2,3}gb.*|[^0-9]*|hbm.*");
                if (ends && known.length() > length) {
                    best = gpu;
                    length = known.length();
                }
            }
        }
        return Optional.ofNullable(best);
    }

    /** The nearest known name, for a message. */
    public static Optional<String> nearest(String name) {
        return Nearest.to(
                plain(name),
                ALL.stream()
                        .flatMap(gpu -> gpu.names().stream())
                        .map(Gpus::plain)
                        .toList());
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT)
                .replaceAll("\\(.*\\)", "")
                .replaceAll("nvidia|geforce|[ _-]", "")
                .replace("tisuper", "tis");
    }

    private static List<GpuSpec> read() {
        try (var in = Gpus.class.getResourceAsStream("gpus.csv")) {
            if (in == null) {
                throw new IllegalStateException("resource gpus.csv is missing");
            }
            var gpus = new ArrayList<GpuSpec>();
            for (var line : new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                if (!line.startsWith("#")) {
                    gpus.add(parse(line.split(",", -1)));
                }
            }
            return List.copyOf(gpus);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static GpuSpec parse(String[] cells) {
        return new GpuSpec(
                Arrays.asList(cells[0].split("\\|")),
                Long.parseLong(cells[1]) << 20,
                Double.parseDouble(cells[2]) * 1e9,
                Double.parseDouble(cells[3]) * 1e12,
                Double.parseDouble(cells[4]) * 1e12,
                new Interconnect(
                        Interconnect.Kind.valueOf(cells[5]),
                        Double.parseDouble(cells[6]) * 1e9,
                        Boolean.parseBoolean(cells[7])),
                cells[8],
                Integer.parseInt(cells[9]));
    }
}
