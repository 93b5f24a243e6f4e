package bestfit.hardware;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** GPUs as the driver's program tells them. It says nothing of the links between them that could be relied on. */
record SmiSource(Path program, Duration patience) implements GpuSource {
    /** Without persistence mode the driver wakes every GPU first: seconds each. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final List<String> LEAST = List.of("index", "name", "memory.total");
    private static final Pattern LISTED = Pattern.compile("GPU (\\d{1,4}): (.+?)(?: \\(UUID: ([^)]*)\\))?");

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

    SmiSource(Path program) {
        this(program, PATIENCE);
    }

    /** What it answered; {@code problem} is null when it ended well. */
    private record Answer(String text, @Nullable String problem, boolean hung) {}

    /** Asks for less and less, down to the list that every release has; one that hangs is not asked again. */
    @Override
    public GpuReading read() {
        var problem = "it answers in no known form";
        for (var fields : List.of(ALL, BASIC, LEAST)) {
            var answer = ask("--query-gpu=" + String.join(",", fields), "--format=csv,noheader,nounits");
            var rows = answer.problem() == null ? rows(answer.text(), fields) : List.<Map<String, String>>of();
            if (!rows.isEmpty()) {
                var driver = new GpuReading.Driver(text(rows.getFirst(), "driver_version"), null, null);
                return new GpuReading(
                        "nvidia-smi", driver, rows.stream().map(SmiSource::gpu).toList(), List.of(), null);
            }
            problem = Objects.requireNonNullElse(answer.problem(), problem);
            if (answer.hung()) {
                return GpuReading.none(problem);
            }
        }
        var list = ask("-L");
        var listed = list.problem() == null ? listed(list.text()) : List.<Gpu>of();
        return listed.isEmpty()
                ? GpuReading.none(Objects.requireNonNullElse(list.problem(), problem))
                : new GpuReading("nvidia-smi", GpuReading.Driver.NONE, listed, List.of(), null);
    }

    private Answer ask(String... arguments) {
        var command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            var output = process.getInputStream();
            // read aside, for a program that hangs keeps its output open
            var reading = CompletableFuture.supplyAsync(
                    () -> readAll(output), task -> Thread.ofVirtual().start(task));
            try {
                var text = reading.get(patience.toMillis(), TimeUnit.MILLISECONDS);
                process.waitFor();
                return process.exitValue() == 0
                        ? new Answer(text, null, false)
                        : new Answer(text, "it ends with " + process.exitValue() + said(text), false);
            } catch (TimeoutException hangs) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                return new Answer("", "it gave no answer in " + patience.toSeconds() + " s", true);
            }
        } catch (IOException | ExecutionException broken) {
            return new Answer("", "it cannot be run: " + broken.getMessage(), false);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            return new Answer("", "it was interrupted", true);
        }
    }

    private static String readAll(InputStream output) {
        try (output) {
            return new String(output.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    private static String said(String text) {
        return text.lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .map(line -> ": " + line.strip())
                .orElse("");
    }

    /** Of {@code nvidia-smi -L}; without their memory they are there but cannot be planned for. */
    private static List<Gpu> listed(String text) {
        return text.lines()
                .map(LISTED::matcher)
                .filter(Matcher::matches)
                .map(match -> gpu(Map.of(
                        "index",
                        match.group(1),
                        "name",
                        match.group(2),
                        "uuid",
                        Objects.requireNonNullElse(match.group(3), ""))))
                .toList();
    }

    /** Lines in another form, such as {@code No devices were found}, are left out. */
    private static List<Map<String, String>> rows(String csv, List<String> fields) {
        var rows = new ArrayList<Map<String, String>>();
        for (var line : csv.lines().toList()) {
            var cells = Arrays.stream(line.split(",", -1)).map(String::strip).toList();
            if (cells.size() == fields.size() && cells.getFirst().matches("\\d{1,4}")) {
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
        var digits = cell.endsWith(" MiB") ? cell.substring(0, cell.length() - 4) : cell;
        return digits.matches("\\d{1,9}") ? Integer.valueOf(digits) : null;
    }

    private static @Nullable Double decimal(Map<String, String> row, String field) {
        var cell = row.getOrDefault(field, "");
        return cell.matches("\\d{1,6}(\\.\\d+)?") ? Double.valueOf(cell) : null;
    }
}
