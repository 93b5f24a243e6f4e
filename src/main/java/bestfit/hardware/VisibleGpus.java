package bestfit.hardware;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The GPUs that {@code CUDA_VISIBLE_DEVICES} leaves to this process and to those it starts, read as CUDA reads it: entries are
 * numbers, UUIDs of GPUs or the beginnings of them, and UUIDs of MIG parts; what names no GPU ends the list; one named twice
 * leaves none.
 *
 * @param machine all of the machine's
 * @param value of the variable
 */
public record VisibleGpus(GpuSource machine, String value) implements GpuSource {
    public static final String VARIABLE = "CUDA_VISIBLE_DEVICES";

    /** Whether CUDA numbers GPUs by speed, or as the driver does ({@code PCI_BUS_ID}). */
    private static final String ORDER = "CUDA_DEVICE_ORDER";

    private static final Pattern NUMBER = Pattern.compile("\\d{1,4}");
    private static final String GPU = "GPU-";
    private static final String MIG = "MIG-";

    /**
     * The entries that CUDA takes, as they are written. Empty without the variable, and where it names none on a machine without
     * GPUs, for then it hides nothing.
     */
    public static Optional<List<String>> entries(Map<String, String> environment) {
        var told = Optional.ofNullable(environment.get(VARIABLE));
        if (told.isEmpty()) {
            return Optional.empty();
        }
        try (var machine = GpuSource.machine(environment)) {
            var all = machine.read();
            var entries = entries(told.get(), all);
            return entries.isEmpty() && all.gpus().isEmpty() ? Optional.empty() : Optional.of(entries);
        }
    }

    /**
     * An environment that leaves the same GPUs by the driver's numbers, for programs that read nothing else (vLLM 0.23 ends with
     * {@code invalid literal for int()} at a UUID). As it is where no entry is a UUID, and where one is of no GPU that is told,
     * such as a MIG part's.
     */
    public static Map<String, String> numbered(Map<String, String> environment) {
        var told = environment.getOrDefault(VARIABLE, "");
        if (!told.contains(GPU)) {
            return environment;
        }
        try (var machine = GpuSource.machine(environment)) {
            var all = machine.read();
            var places = entries(told, all).stream()
                    .map(entry -> find(entry, all.gpus()))
                    .toList();
            if (!places.stream().allMatch(OptionalInt::isPresent)) {
                return environment;
            }
            var numbered = new HashMap<>(environment);
            numbered.put(
                    VARIABLE,
                    places.stream()
                            .map(at -> Integer.toString(
                                    all.gpus().get(at.getAsInt()).index()))
                            .collect(Collectors.joining(",")));
            numbered.put(ORDER, "PCI_BUS_ID");
            return numbered;
        }
    }

    @Override
    public GpuReading read() {
        var all = machine.read();
        var gpus = new ArrayList<Gpu>();
        for (var entry : all.gpus().isEmpty() ? List.<String>of() : entries(value, all)) {
            var at = find(entry, all.gpus());
            gpus.add(at.isPresent() ? all.gpus().get(at.getAsInt()) : machine.part(gpus.size(), entry));
        }
        var seen = gpus.stream().map(Gpu::index).toList();
        var links = all.links().stream()
                .filter(link -> seen.contains(link.one()) && seen.contains(link.other()))
                .toList();
        return new GpuReading(all.source(), all.driver(), gpus, links, all.problem());
    }

    @Override
    public Gpu part(int index, String uuid) {
        return machine.part(index, uuid);
    }

    @Override
    public void close() {
        machine.close();
    }

    private static List<String> entries(String value, GpuReading all) {
        var entries = new ArrayList<String>();
        var named = new HashSet<String>();
        for (var each : value.split(",", -1)) {
            var entry = each.strip();
            var at = find(entry, all.gpus());
            if (at.isEmpty() && !takenAtItsWord(entry, all.gpus())) {
                break;
            }
            if (!named.add(at.isPresent() ? Integer.toString(at.getAsInt()) : entry)) {
                return List.of();
            }
            entries.add(entry);
        }
        return List.copyOf(entries);
    }

    /** The place of the GPU that an entry names; of several whose UUID begins so, none. */
    private static OptionalInt find(String entry, List<Gpu> gpus) {
        var places = IntStream.range(0, gpus.size())
                .filter(i -> names(entry, gpus.get(i)))
                .toArray();
        return places.length == 1 ? OptionalInt.of(places[0]) : OptionalInt.empty();
    }

    private static boolean names(String entry, Gpu gpu) {
        return NUMBER.matcher(entry).matches()
                ? Integer.parseInt(entry) == gpu.index()
                : entry.startsWith(GPU) && gpu.uuid().startsWith(entry);
    }

    /** Parts are not listed among the GPUs; and not every source tells GPUs, or their UUIDs. */
    private static boolean takenAtItsWord(String entry, List<Gpu> gpus) {
        return entry.startsWith(MIG)
                || (entry.startsWith(GPU)
                        && gpus.stream().allMatch(gpu -> gpu.uuid().isEmpty()))
                || (NUMBER.matcher(entry).matches() && gpus.isEmpty());
    }
}
