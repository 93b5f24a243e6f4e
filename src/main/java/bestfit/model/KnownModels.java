package bestfit.model;

import bestfit.config.ConfigException;
import bestfit.config.Nearest;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Models that can be planned for without their files: configs as the checkpoints publish them. */
public final class KnownModels {
    private static final ConcurrentHashMap<String, Known> FOUND = new ConcurrentHashMap<>();
    private static final List<Entry> INDEX = index();

    private KnownModels() {}

    private record Entry(String file, List<String> names, String mandatoryArgs) {}

    /**
     * A model with what its network demands.
     *
     * @param mandatoryArgs vLLM args in one line; empty for none
     */
    public record Known(ModelCard card, String mandatoryArgs) {}

    public static List<String> names() {
        return INDEX.stream().map(entry -> entry.names().getFirst()).toList();
    }

    /**
     * By name, with or without the organisation, or by the directory of a config.json.
     *
     * @throws ConfigException naming the nearest known model, or every field that is not understood
     */
    public static Known find(String nameOrDirectory) {
        var known = FOUND.get(nameOrDirectory);
        if (known == null) {
            known = read(nameOrDirectory);
            FOUND.put(nameOrDirectory, known);
        }
        return known;
    }

    /** Text of a bundled {@code config.json}, by the model's name with or without the organisation. */
    static Optional<String> config(String name) {
        return entry(name).map(entry -> resource(entry.file() + ".json"));
    }

    private static Optional<Entry> entry(String name) {
        return INDEX.stream()
                .filter(entry -> entry.names().stream()
                        .anyMatch(each ->
                                each.equalsIgnoreCase(name) || shortName(each).equalsIgnoreCase(name)))
                .findFirst();
    }

    private static Known read(String name) {
        var bundled = entry(name);
        if (bundled.isPresent()) {
            var file = bundled.get().file() + ".json";
            return new Known(card(file, name, resource(file)), bundled.get().mandatoryArgs());
        }
        var copy = Files.exists(Path.of(name)) ? Optional.<Known>empty() : copy(name);
        if (copy.isPresent()) {
            return copy.get();
        }
        var file = Files.isDirectory(Path.of(name)) ? Path.of(name, "config.json") : Path.of(name);
        if (!Files.isRegularFile(file)) {
            var all = INDEX.stream()
                    .flatMap(entry -> entry.names().stream())
                    .map(each -> name.indexOf('/') < 0 ? shortName(each) : each)
                    .toList();
            var nearest = Nearest.to(name, all)
                    .map(each -> "the nearest known is " + each)
                    .orElse("bestfit plan lists those that are bundled");
            throw new ConfigException(
                    "model " + name + ": neither a bundled model nor a directory with a config.json; " + nearest);
        }
        try {
            var modelOpt = file.resolveSibling("hf_quant_config.json");
            var quantization = Files.isRegularFile(modelOpt) ? Files.readString(modelOpt) : null;
            return new Known(new CardReader(file.toString(), name, Files.readString(file), quantization).read(), "");
        } catch (IOException e) {
            throw new ConfigException("model " + name + ": " + file + " cannot be read: " + Unreadable.why(file, e));
        }
    }

    /** A bundled model that was tuned or stored otherwise, as its name says; whose args a network demands is left open. */
    private static Optional<Known> copy(String name) {
        var asked = CheckpointName.of(name);
        Known best = null;
        for (var entry : INDEX) {
            for (var each : entry.names()) {
                var there = CheckpointName.of(each);
                if (!there.stem().equals(asked.stem())) {
                    continue;
                }
                var file = entry.file() + ".json";
                var card = card(file, name, resource(file));
                if (there.format().equals(asked.format())) {
                    return Optional.of(new Known(card, ""));
                }
                if (best == null || there.format().isEmpty()) {
                    best = new Known(card.with(asked.format().orElse(WeightFormat.HALF)), "");
                }
            }
        }
        return Optional.ofNullable(best);
    }

    private static String shortName(String name) {
        return name.substring(name.lastIndexOf('/') + 1);
    }

    /** @param origin names the text in messages */
    public static ModelCard card(String origin, String name, String config) {
        return new CardReader(origin, name, config, null).read();
    }

    private static List<Entry> index() {
        var entries = new ArrayList<Entry>();
        for (var line : resource("index.csv").lines().toList()) {
            if (!line.startsWith("#")) {
                var cells = line.split(",", 3);
                entries.add(new Entry(cells[0], List.of(cells[1].split("\\|")), cells[2]));
            }
        }
        return List.copyOf(entries);
    }

    private static String resource(String file) {
        try (var in = KnownModels.class.getResourceAsStream("known/" + file)) {
            if (in == null) {
                throw new IllegalStateException("resource known/" + file + " is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
