package bestfit.engine;

import bestfit.args.ArgSpec.Takes;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Looks values up on a command line; each refusal is argparse's, or for values beyond what is allowed pydantic's. */
final class ArgReader {
    /** vLLM reads 4k as 4000 and 4K as 4096, in these flags alone. */
    private static final Map<String, String> NUMBER_KINDS =
            Map.of("--max-model-len", "human_readable_int_or_auto", "--max-num-batched-tokens", "human_readable_int");

    private static final String RELEASE = "0\\.(8\\.1|(9|[12]\\d|3[0-3])(\\.\\d{1,3})?)";

    private final VllmArgs args;
    private final List<String> positionals;

    private ArgReader(VllmArgs args, List<String> positionals) {
        this.args = args;
        this.positionals = positionals;
    }

    static ArgReader of(List<String> asGiven) throws ArgumentError {
        var tokens = completed(asGiven);
        var positionals = new ArrayList<String>();
        for (var token : tokens) {
            if (VllmArgs.flagOf(token).isPresent()) {
                break;
            }
            positionals.add(token);
        }
        var args = new VllmArgs(tokens);
        var unknown = new ArrayList<String>();
        for (var given : args.given()) {
            var takes = VllmFlags.takes(given.flag());
            if (takes.isEmpty()) {
                unknown.add(given.flag());
                unknown.addAll(given.values());
            } else if (takes.get() != Takes.SWITCH && given.values().isEmpty()) {
                throw new ArgumentError("argument " + given.flag() + ": expected "
                        + (takes.get() == Takes.ONE ? "one argument" : "at least one argument"));
            } else if (takes.get() != Takes.MANY) {
                int own = takes.get() == Takes.ONE || isBoolean(given.values()) ? 1 : 0;
                positionals.addAll(given.values().subList(own, given.values().size()));
            }
        }
        if (positionals.size() > 1) {
            unknown.addAll(positionals.subList(1, positionals.size()));
        }
        if (!unknown.isEmpty()) {
            throw new ArgumentError("unrecognized arguments: " + String.join(" ", unknown));
        }
        return new ArgReader(args, positionals);
    }

    /** Flags may be cut short, as long as one alone begins so. */
    private static List<String> completed(List<String> tokens) throws ArgumentError {
        var release = new VllmArgs(tokens)
                .value("--engine-version")
                .filter(text -> text.matches(RELEASE))
                .orElse(EngineArgs.NEWEST);
        var all = new ArrayList<String>();
        for (var token : tokens) {
            var flag = VllmArgs.flagOf(token).orElse("");
            var longer = VllmFlags.longerThan(flag, release);
            if (longer.size() > 1) {
                throw new ArgumentError("ambiguous option: " + token + " could match " + String.join(", ", longer));
            }
            int equals = token.indexOf('=');
            var value = equals < 0 ? "" : token.substring(equals);
            all.add(longer.isEmpty() ? token : longer.getFirst() + value);
        }
        return all;
    }

    /** Old versions take {@code --enable-chunked-prefill=False}. */
    private static boolean isBoolean(List<String> values) {
        return !values.isEmpty() && values.getFirst().matches("(?i)true|false");
    }

    String model() throws ArgumentError {
        var named = args.value("--model").or(() -> args.value("--model-tag"));
        if (positionals.isEmpty() && named.isEmpty()) {
            throw new ArgumentError("the following arguments are required: MODEL");
        }
        return positionals.isEmpty() ? named.orElseThrow() : positionals.getFirst();
    }

    String text(String flag, String absent) {
        return args.value(flag).orElse(absent);
    }

    /** True when the switch is given either way. */
    boolean has(String name) {
        return args.has("--" + name) || args.has("--no-" + name);
    }

    String release() throws ArgumentError {
        var text = text("--engine-version", EngineArgs.NEWEST);
        if (!text.matches(RELEASE)) {
            throw new ArgumentError("argument --engine-version: invalid value: '" + text
                    + "' (a release of vLLM: 0.8.1, with its V0 scheduler, or 0.9 to " + EngineArgs.NEWEST + ")");
        }
        return text;
    }

    List<String> many(String flag) {
        return args.given().stream()
                .filter(given -> given.flag().equals(flag))
                .reduce((first, second) -> second)
                .map(VllmArgs.Given::values)
                .orElse(List.of());
    }

    boolean on(String name, boolean absent) {
        return args.on(name, absent);
    }

    Optional<Simulation> simulation() throws ArgumentError {
        var spec = args.value("--simulate");
        if (spec.isEmpty() && args.value("--time-scale").isPresent()) {
            throw new ArgumentError("argument --time-scale: not allowed without --simulate");
        }
        return spec.isEmpty() ? Optional.empty() : Optional.of(Simulation.parse(spec.get(), text("--time-scale", "1")));
    }

    OptionalInt optional(String flag, int least) throws ArgumentError {
        var text = args.value(flag);
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        var kind = NUMBER_KINDS.getOrDefault(flag, "int");
        if (!kind.equals("int") && text.get().matches("\\d*\\.\\d+[KM]")) {
            var suffix = text.get().substring(text.get().length() - 1);
            throw new ArgumentError("argument " + flag + ": Decimals are not allowed with binary suffixes like "
                    + suffix + ". Did you mean to use " + text.get().toLowerCase(Locale.ROOT) + " instead?");
        }
        var number = text.get().matches("-?\\d{1,12}")
                ? OptionalLong.of(Long.parseLong(text.get()))
                : !kind.equals("int") && text.get().matches("[\\d.]+[kKmM]")
                        ? ByteSize.parse(text.get())
                        : OptionalLong.empty();
        if (number.isEmpty() || number.getAsLong() > Integer.MAX_VALUE) {
            throw new ArgumentError("argument " + flag + ": invalid " + kind + " value: '" + text.get() + "'");
        }
        if (number.getAsLong() < least) {
            throw ValueBounds.refuse(flag, number.getAsLong(), least);
        }
        return OptionalInt.of((int) number.getAsLong());
    }

    int whole(String flag, int absent, int least) throws ArgumentError {
        return optional(flag, least).orElse(absent);
    }

    int port() throws ArgumentError {
        int port = whole("--port", 8000, 0);
        if (port > 65_535) {
            throw new ArgumentError("argument --port: invalid value: " + port + " (it must be at most 65535)");
        }
        return port;
    }

    OptionalInt maxModelLen() throws ArgumentError {
        var text = args.value("--max-model-len");
        return text.isPresent() && (text.get().equals("auto") || text.get().equals("-1"))
                ? OptionalInt.of(-1)
                : optional("--max-model-len", 1);
    }

    /** More than 0, at most 1. */
    double fraction(String flag, double absent) throws ArgumentError {
        double value = number(flag, absent);
        if (value <= 0 || value > 1) {
            throw value > 1
                    ? ValueBounds.refuse(flag, value, "less_than_equal", "less than or equal to 1")
                    : ValueBounds.refuse(flag, value, "greater_than", "greater than 0");
        }
        return value;
    }

    /** From 0 on, less than 1; 0 if it is not given. */
    double share(String flag) throws ArgumentError {
        double value = number(flag, 0);
        if (value < 0 || value >= 1) {
            throw value < 0
                    ? ValueBounds.refuse(flag, value, "greater_than_equal", "greater than or equal to 0")
                    : ValueBounds.refuse(flag, value, "less_than", "less than 1");
        }
        return value;
    }

    private double number(String flag, double absent) throws ArgumentError {
        var text = args.value(flag);
        if (text.isPresent() && !text.get().matches("-?\\d*\\.?\\d+")) {
            throw new ArgumentError("argument " + flag + ": invalid float value: '" + text.get() + "'");
        }
        return text.map(Double::parseDouble).orElse(absent);
    }

    String choice(String flag, String absent, String allowed) throws ArgumentError {
        var value = text(flag, absent);
        if (!List.of(allowed.split(" ", -1)).contains(value)) {
            throw new ArgumentError("argument " + flag + ": invalid choice: '" + value + "' (choose from '"
                    + allowed.replace(" ", "', '") + "')");
        }
        return value;
    }

    OptionalLong bytes(String flag) throws ArgumentError {
        var text = args.value(flag);
        if (text.isEmpty()) {
            return OptionalLong.empty();
        }
        var bytes = ByteSize.parse(text.get());
        if (bytes.isEmpty() || bytes.getAsLong() < 1) {
            throw new ArgumentError(
                    "argument " + flag + ": invalid size: '" + text.get() + "' (bytes, or such as 256MiB or 1.5GiB)");
        }
        return bytes;
    }

    /** A JSON object, where it is given. */
    void checkObject(String flag) throws ArgumentError {
        var text = args.value(flag);
        if (text.isEmpty()) {
            return;
        }
        JsonNode json;
        try {
            json = Json.parsePython(text.get());
        } catch (JacksonException broken) {
            throw new ArgumentError(
                    "argument " + flag + ": Value " + text.get() + " cannot be converted to <function loads>.");
        }
        if (!json.isObject()) {
            throw ValueBounds.refuseNoObject(flag, json);
        }
    }

    Map<String, String> shown() {
        var shown = new TreeMap<String, String>();
        for (var given : args.given()) {
            var value = given.values().isEmpty() ? "True" : String.join(" ", given.values());
            shown.put(given.flag().substring(2).replace('-', '_'), given.flag().equals("--api-key") ? "***" : value);
        }
        return shown;
    }
}
