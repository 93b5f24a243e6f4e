package bestfit.engine;

import bestfit.args.ArgSpec.Takes;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.perf.EngineVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Looks values up on a command line; each refusal is argparse's, or for values beyond what is allowed pydantic's. */
final class ArgReader {
    /** vLLM reads 4k as 4000 and 4K as 4096, in these flags alone. */
    private static final String KV_CACHE_BYTES = "--kv-cache-memory-bytes";

    private static final Map<String, String> NUMBER_KINDS = Map.of(
            "--max-model-len",
            "human_readable_int_or_auto",
            "--max-num-batched-tokens",
            "human_readable_int",
            KV_CACHE_BYTES,
            "human_readable_int");

    private static final Pattern INT = Pattern.compile("[+-]?\\d{1,12}(_\\d{1,12})*");
    private static final Pattern FLOAT =
            Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,3})?|(?i:[+-]?(nan|inf|infinity))");

    private static final String RELEASE = "0\\.(8\\.1|(9|[12]\\d|3[0-3])(\\.\\d{1,3})?)";

    private final VllmArgs args;
    private final List<String> positionals;

    private ArgReader(VllmArgs args, List<String> positionals) {
        this.args = args;
        this.positionals = positionals;
    }

    static ArgReader of(List<String> asGiven) throws ArgumentError {
        var release = new VllmArgs(asGiven)
                .value("--engine-version")
                .filter(text -> text.matches(RELEASE))
                .orElse(EngineArgs.NEWEST);
        var tokens = completed(asGiven, release);
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
            var takes = VllmFlags.takes(given.flag(), release);
            if (takes.isEmpty()) {
                unknown.add(given.flag());
                unknown.addAll(given.values());
            } else if (takes.get() != Takes.SWITCH && given.values().isEmpty()) {
                throw new ArgumentError("argument " + given.flag() + ": expected "
                        + (takes.get() == Takes.ONE ? "one argument" : "at least one argument"));
            } else if (takes.get() != Takes.MANY) {
                int own = takes.get() == Takes.ONE || takesBoolean(given, tokens, release) ? 1 : 0;
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

    /** Flags may be cut short, as long as one alone begins so; {@code -O3} and {@code -O 3} are a level. */
    private static List<String> completed(List<String> tokens, String release) throws ArgumentError {
        var all = new ArrayList<String>();
        for (int i = 0; i < tokens.size(); i++) {
            var token = tokens.get(i);
            var flag = VllmArgs.flagOf(token).orElse("");
            var longer = VllmFlags.longerThan(flag, release);
            if (longer.size() > 1) {
                throw new ArgumentError("ambiguous option: " + token + " could match " + String.join(", ", longer));
            }
            int equals = token.indexOf('=');
            var value = equals < 0 ? "" : token.substring(equals);
            if (token.matches("-O=?\\d")) {
                all.add(VllmFlags.optimization(release) + "=" + token.charAt(token.length() - 1));
            } else if (token.equals("-O")
                    && i + 1 < tokens.size()
                    && tokens.get(i + 1).matches("\\d")) {
                all.add(VllmFlags.optimization(release));
            } else {
                all.add(longer.isEmpty() ? token : longer.getFirst() + value);
            }
        }
        return all;
    }

    /** 0.8.1 takes {@code --enable-chunked-prefill=False}; later releases take no value. */
    private static boolean takesBoolean(VllmArgs.Given given, List<String> tokens, String release)
            throws ArgumentError {
        boolean is = !given.values().isEmpty()
                && given.values().getFirst().matches("(?i)true|false")
                && EngineVersion.of(release).v0();
        var flag = given.flag();
        if (!is
                && tokens.stream()
                        .anyMatch(token ->
                                token.contains("=") && VllmArgs.meantBy(token).equals(Optional.of(flag)))) {
            var name = flag.startsWith("--no-") ? flag.substring("--no-".length()) : flag.substring(2);
            throw new ArgumentError("argument --" + name + "/--no-" + name + ": ignored explicit argument '"
                    + given.values().getFirst() + "'");
        }
        return is;
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
        long number = whole(flag, text.get(), Integer.MAX_VALUE);
        if (number < least) {
            throw ValueBounds.refuse(flag, number, least);
        }
        return OptionalInt.of((int) number);
    }

    /** A whole number; of some flags with a unit. */
    private static long whole(String flag, String text, long most) throws ArgumentError {
        var kind = NUMBER_KINDS.getOrDefault(flag, "int");
        if (!kind.equals("int") && text.matches("\\d*\\.\\d+[KMGT]")) {
            var suffix = text.substring(text.length() - 1);
            throw new ArgumentError("argument " + flag + ": Decimals are not allowed with binary suffixes like "
                    + suffix + ". Did you mean to use " + text.toLowerCase(Locale.ROOT) + " instead?");
        }
        var number = INT.matcher(text).matches()
                ? whole(text)
                : !kind.equals("int") && text.matches("[\\d.]+[kKmMgGtT]")
                        ? ByteSize.parse(text)
                        : OptionalLong.empty();
        if (number.isEmpty() || number.getAsLong() > most) {
            throw new ArgumentError("argument " + flag + ": invalid " + kind + " value: '" + text + "'");
        }
        return number.getAsLong();
    }

    /** As Python reads it: with a sign, and underlines between digits. */
    private static OptionalLong whole(String text) {
        var digits = text.replace("_", "").replace("+", "");
        return digits.length() > 18 ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(digits));
    }

    int whole(String flag, int absent, int least) throws ArgumentError {
        return optional(flag, least).orElse(absent);
    }

    /** One that is none is found when it is bound. */
    int port() throws ArgumentError {
        int port = whole("--port", 8000, Integer.MIN_VALUE);
        if (port < 0 || port > 65_535) {
            throw ArgumentError.inConfig("OverflowError: bind(): port must be 0-65535.");
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
        if (!(value > 0 && value <= 1)) {
            throw !(value <= 1)
                    ? ValueBounds.refuse(flag, value, "less_than_equal", "less than or equal to 1")
                    : ValueBounds.refuse(flag, value, "greater_than", "greater than 0");
        }
        return value;
    }

    /** From 0 on, less than 1; 0 if it is not given. */
    double share(String flag) throws ArgumentError {
        double value = number(flag, 0);
        if (!(value >= 0 && value < 1)) {
            throw value < 0
                    ? ValueBounds.refuse(flag, value, "greater_than_equal", "greater than or equal to 0")
                    : ValueBounds.refuse(flag, value, "less_than", "less than 1");
        }
        return value;
    }

    private double number(String flag, double absent) throws ArgumentError {
        var text = args.value(flag);
        return text.isEmpty() ? absent : number(flag, text.get());
    }

    private static double number(String flag, String text) throws ArgumentError {
        if (!FLOAT.matcher(text).matches()) {
            throw new ArgumentError("argument " + flag + ": invalid float value: '" + text + "'");
        }
        return switch (text.toLowerCase(Locale.ROOT).replace("+", "")) {
            case "nan", "-nan" -> Double.NaN;
            case "inf", "infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }

    /** Values that mean nothing here are looked at where vLLM's parser does. */
    void checkTaken(EngineVersion version) throws ArgumentError {
        for (var given : args.given()) {
            var value = given.values().isEmpty() ? "" : given.values().getFirst();
            var choices = version.minor() < VllmFlags.CHOICES_SINCE
                    ? List.<String>of()
                    : VllmFlags.CHOICES.getOrDefault(given.flag(), List.of());
            if (!choices.isEmpty() && !choices.contains(value)) {
                throw noChoice(given.flag(), value, choices);
            }
            var noNumber = VllmFlags.INTEGERS.contains(given.flag())
                    ? given.values().stream()
                            .filter(each -> !INT.matcher(each).matches())
                            .findFirst()
                    : Optional.<String>empty();
            if (noNumber.isPresent()) {
                throw new ArgumentError("argument " + given.flag() + ": invalid int value: '" + noNumber.get() + "'");
            }
            if (VllmFlags.FLOATS.contains(given.flag())) {
                number(given.flag(), value);
            }
        }
        double offloaded = number("--cpu-offload-gb", 0);
        if (!(offloaded >= 0)) {
            throw ValueBounds.refuse("--cpu-offload-gb", offloaded, "greater_than_equal", "greater than or equal to 0");
        }
        if (offloaded == Double.POSITIVE_INFINITY) {
            throw ArgumentError.inConfig("OverflowError: cannot convert float infinity to integer");
        }
        for (var flag : VllmFlags.JSON) {
            json(flag);
        }
        if (version.minor() >= VllmFlags.CHOICES_SINCE) {
            VllmFlags.checkCompilation(json("--compilation-config").orElseGet(Json::object));
            VllmFlags.checkNames(text("--attention-backend", "auto"), text("--reasoning-parser", ""));
        }
        checkTogether();
    }

    private void checkTogether() throws ArgumentError {
        if (args.on("enable-auto-tool-choice", false)
                && args.value("--tool-call-parser").isEmpty()) {
            throw ArgumentError.inConfig("TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser");
        }
        var level = args.value("--optimization-level").orElse("2");
        if (!level.matches("O?[0-3]")) {
            throw ArgumentError.inConfig(
                    "1 validation error for VllmConfig\noptimization_level\n  Input should be 0, 1,"
                            + " 2 or 3 [type=enum, input_value='" + level + "', input_type=str]");
        }
        var backend = args.value("--distributed-executor-backend").orElse("mp");
        if (!VllmFlags.EXECUTORS.contains(backend) && backend.indexOf('.') < 0) {
            throw ArgumentError.inConfig("1 validation error for VllmConfig\n  Value error, not enough values to unpack"
                    + " (expected 2, got 1): --distributed-executor-backend " + backend + " is none of "
                    + String.join(", ", VllmFlags.EXECUTORS));
        }
        var format = args.value("--config-format").orElse("auto");
        if (!List.of("auto", "hf", "mistral").contains(format)) {
            throw ArgumentError.inConfig(
                    "1 validation error for ModelConfig\n  Value error, Unknown config format `" + format + "`.");
        }
    }

    String choice(String flag, String absent, String allowed) throws ArgumentError {
        var value = text(flag, absent);
        var choices = List.of(allowed.split(" ", -1));
        if (!choices.contains(value)) {
            throw noChoice(flag, value, choices);
        }
        return value;
    }

    private static ArgumentError noChoice(String flag, String value, List<String> choices) {
        return new ArgumentError("argument " + flag + ": invalid choice: '" + value + "' (choose from '"
                + String.join("', '", choices) + "')");
    }

    /** What is no room for any is found when the cache is made. */
    OptionalLong kvCacheBytes() throws ArgumentError {
        var text = args.value(KV_CACHE_BYTES);
        return text.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(whole(KV_CACHE_BYTES, text.get(), Long.MAX_VALUE));
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
        var json = json(flag);
        if (json.isPresent() && !json.get().isObject()) {
            throw ValueBounds.refuseNoObject(flag, json.get());
        }
    }

    private Optional<JsonNode> json(String flag) throws ArgumentError {
        var text = args.value(flag);
        try {
            return text.map(Json::parsePython);
        } catch (JacksonException broken) {
            throw new ArgumentError(
                    "argument " + flag + ": Value " + text.get() + " cannot be converted to <function loads>.");
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
