package bestfit.hardware;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** GPUs as the driver's program tells them. It says nothing of the links between them that could be relied on. */
record SmiSource(Path program) implements GpuSource {
    private static final int PATIENCE_SECONDS = 20;
    private static final List<String> BASIC = List.of(
            "index",
            "name",
            "memory.total",
            "memory.free",
            "memory.used",
            "utilization.gpu",
            "temperature.gpu",
            "driver_version");

    /** Not every release knows all of these, and it refuses the whole question then. */
    private static final List<String> ALL = Stream.concat(
                    BASIC.stream(),
                    Stream.of(
                            "uuid",
                            "power.draw",
                            "enforced.power.limit",
                            "clocks.sm",
                            "clocks.mem",
                            "clocks.max.sm",
                            "clocks_throttle_reasons.active",
                            "pcie.link.gen.current",
                            "pcie.link.width.current",
                            "pcie.link.gen.max",
                            "pcie.link.width.max",
                            "compute_cap"))
            .toList();

    @Override
    public GpuReading read() {
        var rows = ask(ALL);
        if (rows.isEmpty()) {
            rows = ask(BASIC);
        }
        if (rows.isEmpty()) {
            return GpuReading.NONE;
        }
        var driver = new GpuReading.Driver(text(rows.getFirst(), "driver_version"), null, null);
        return new GpuReading(
                "nvidia-smi", driver, rows.stream().map(SmiSource::gpu).toList(), List.of());
    }

    private List<Map<String, String>> ask(List<String> fields) {
        try {
            var process = new ProcessBuilder(
                            program.toString(),
                            "--query-gpu=" + String.join(",", fields),
                            "--format=csv,noheader,nounits")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            return ended && process.exitValue() == 0 ? rows(text, fields) : List.of();
        } catch (IOException broken) {
            return List.of();
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    /** Lines in another form, such as {@code No devices were found}, are left out. */
    private static List<Map<String, String>> rows(String csv, List<String> fields) {
        var rows = new ArrayList<Map<String, String>>();
        for (var line : csv.lines().toList()) {
            var cells = Arrays.stream(line.split(",", -1)).map(String::strip).toList();
            if (cells.size() == fields.size() && cells.getFirst().matches("\\d+")) {
                rows.add(IntStream.range(0, cells.size()).boxed().collect(Collectors.toMap(fields::get, cells::get)));
            }
        }
        return rows;
    }

    private static Gpu gpu(Map<String, String> row) {
        var total = number(row, "memory.total");
        var mask = text(row, "clocks_throttle_reasons.active");
        return new Gpu(
                Objects.requireNonNull(number(row, "index")),
                Objects.requireNonNullElse(text(row, "name"), "GPU"),
                Objects.requireNonNullElse(text(row, "uuid"), ""),
                total == null
                        ? null
                        : new Gpu.Memory(mib(total), mib(number(row, "memory.free")), mib(number(row, "memory.used"))),
                number(row, "utilization.gpu"),
                number(row, "temperature.gpu"),
                new Gpu.Power(decimal(row, "power.draw"), decimal(row, "enforced.power.limit")),
                new Gpu.Clocks(
                        number(row, "clocks.sm"),
                        number(row, "clocks.mem"),
                        number(row, "clocks.max.sm"),
                        mask != null && mask.matches("0x[0-9a-fA-F]{1,16}")
                                ? Gpu.slowedBy(Long.parseUnsignedLong(mask.substring(2), 16))
                                : List.of()),
                new Gpu.Pcie(
                        number(row, "pcie.link.gen.current"),
                        number(row, "pcie.link.width.current"),
                        number(row, "pcie.link.gen.max"),
                        number(row, "pcie.link.width.max")),
                null,
                text(row, "compute_cap"),
                total == null ? "nvidia-smi does not tell its memory" : null);
    }

    private static long mib(@Nullable Integer count) {
        return count == null ? 0 : (long) count << 20;
    }

    /** {@code [N/A]}, {@code [Not Supported]} and the like, which some GPUs answer for some fields, are null. */
    private static @Nullable String text(Map<String, String> row, String field) {
        var cell = row.get(field);
        return cell == null || cell.isEmpty() || cell.startsWith("[") ? null : cell;
    }

    private static @Nullable Integer number(Map<String, String> row, String field) {
        var cell = row.getOrDefault(field, "");
        return cell.matches("\\d{1,9}") ? Integer.valueOf(cell) : null;
    }

    private static @Nullable Double decimal(Map<String, String> row, String field) {
        var cell = row.getOrDefault(field, "");
        return cell.matches("\\d{1,6}(\\.\\d+)?") ? Double.valueOf(cell) : null;
    }
}
