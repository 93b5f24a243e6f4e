package bestfit.hardware;

import bestfit.config.Nearest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleBiFunction;

/** The GPUs whose data sheets are known (resource {@code gpus.csv}). */
public final class Gpus {
    /** Columns of the link's speed, and of the host's where that is another. */
    private static final int LINK = 6;

    private static final int HOST = 11;
    private static final List<GpuSpec> ALL = read();

    private Gpus() {}

    public static List<GpuSpec> all() {
        return ALL;
    }

    /**
     * By any spelling, vendor and case not counted: {@code L4}, {@code NVIDIA A100-SXM4-40GB}, {@code RTX 4090 24GB}. Of several
     * kinds of one name the form and the memory decide; without them the first of the table.
     */
    public static Optional<GpuSpec> find(String name) {
        var wanted = GpuName.of(name);
        var same = best(wanted::likeness);
        return same.isPresent() ? same : best(wanted::beginning);
    }

    private static Optional<GpuSpec> best(ToDoubleBiFunction<GpuName, Long> likeness) {
        GpuSpec best = null;
        double most = 0;
        for (var gpu : ALL) {
            for (var each : gpu.names()) {
                double alike = likeness.applyAsDouble(GpuName.of(each), gpu.memoryBytes());
                if (alike > most) {
                    best = gpu;
                    most = alike;
                }
            }
        }
        return Optional.ofNullable(best);
    }

    /** The nearest known name, for a message. */
    public static Optional<String> nearest(String name) {
        return Nearest.to(
                GpuName.of(name).base(),
                ALL.stream()
                        .flatMap(gpu -> gpu.names().stream())
                        .map(each -> GpuName.of(each).base())
                        .toList());
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
                        Double.parseDouble(cells[LINK]) * 1e9,
                        Boolean.parseBoolean(cells[7]),
                        Double.parseDouble(cells[cells.length > HOST ? HOST : LINK]) * 1e9),
                cells[8],
                Integer.parseInt(cells[9]),
                Long.parseLong(cells[10]) << 20);
    }
}
