package bestfit.args;

import bestfit.args.ArgSpec.EngineUse;
import bestfit.args.ArgSpec.Takes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * vLLM's common flags: their effect on answers, type, default and releases, from the table {@code flags.txt}. A flag that
 * is not listed counts as one that may change answers.
 */
public final class ArgCatalogue {
    /** The embedded engine's own, which begins {@code --fault-tolerance-config} alone. */
    private static final String FAULT = "--fault";

    private static final String NEGATION = "--no-";
    private static final Map<String, ArgSpec> SPECS = read();

    private ArgCatalogue() {}

    private static Map<String, ArgSpec> read() {
        try (var in = ArgCatalogue.class.getResourceAsStream("flags.txt")) {
            var text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            var specs = new LinkedHashMap<String, ArgSpec>();
            text.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(ArgCatalogue::spec)
                    .forEach(spec -> specs.put(spec.flag(), spec));
            return specs;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ArgSpec spec(String line) {
        var cells = line.split("\\|", -1);
        for (int i = 0; i < cells.length; i++) {
            cells[i] = cells[i].strip();
        }
        return new ArgSpec(
                cells[0],
                switch (cells[1]) {
                    case "answers" -> ArgEffect.CHANGES_ANSWERS;
                    case "last-bits" -> ArgEffect.MAY_MOVE_LAST_BITS;
                    case "performance" -> ArgEffect.PERFORMANCE;
                    case "plumbing" -> ArgEffect.PLUMBING;
                    default -> throw new IllegalStateException("flags.txt: effect of " + line);
                },
                Takes.valueOf(cells[2].toUpperCase(Locale.ROOT)),
                cells[3],
                cells[4],
                given(cells[5]),
                given(cells[6]),
                given(cells[7]),
                switch (cells[8]) {
                    case "obeyed" -> EngineUse.OBEYED;
                    case "taken" -> EngineUse.TAKEN;
                    default -> EngineUse.REFUSED;
                });
    }

    private static Optional<String> given(String cell) {
        return cell.isEmpty() ? Optional.empty() : Optional.of(cell);
    }

    /** A flag in any spelling, {@code --no-x} and {@code --x.part} included; empty if it is not listed. */
    public static Optional<ArgSpec> find(String flag) {
        return VllmArgs.flagOf(flag).flatMap(ArgCatalogue::named);
    }

    private static Optional<ArgSpec> named(String name) {
        int dot = name.indexOf('.');
        var whole = dot < 0 ? name : name.substring(0, dot);
        var spec = Optional.ofNullable(SPECS.get(whole));
        return spec.isPresent() || !whole.startsWith(NEGATION)
                ? spec
                : Optional.ofNullable(SPECS.get("--" + whole.substring(NEGATION.length())))
                        .filter(found -> found.takes() == Takes.SWITCH);
    }

    /** The flag that argparse takes {@code flag} for: itself, or the only one that begins with it. */
    static String unabbreviated(String flag) {
        if (!flag.startsWith("--") || SPECS.containsKey(flag) || flag.equals(FAULT)) {
            return flag;
        }
        var whole =
                SPECS.keySet().stream().filter(each -> each.startsWith(flag)).toList();
        return whole.size() == 1 ? whole.getFirst() : flag;
    }

    /** The flag's effect; {@link ArgEffect#CHANGES_ANSWERS} if it is not listed, which is the careful guess. */
    public static ArgEffect effect(String flag) {
        return find(flag).map(ArgSpec::effect).orElse(ArgEffect.CHANGES_ANSWERS);
    }

    /** All that is known, in the order of the catalogue. */
    public static List<ArgSpec> all() {
        return List.copyOf(SPECS.values());
    }
}
