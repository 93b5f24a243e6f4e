package bestfit.engine;

import bestfit.args.ArgSpec.Takes;
import bestfit.args.VllmArgs;
import bestfit.model.EmbeddedSizes;
import bestfit.openai.TokenStyle;
import bestfit.perf.EngineVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * The engine's command line as read, before anything is known of the model.
 *
 * @param maxModelLen empty: the model's own; -1: what the KV cache holds
 * @param release of vLLM that scheduler and defaults follow
 * @param chunkedPrefill empty: the release's default
 * @param shutdownSeconds that requests in flight have to end at SIGTERM
 * @param simulation empty: computed for real on this machine's cores
 * @param deviceMemoryBytes memory of one device; the embedded model is given little, so that layouts differ as on GPUs
 * @param devices how many this engine may use
 * @param given what was given, flag without dashes to value, for the log
 */
public record EngineArgs(
        String model,
        String release,
        List<String> servedNames,
        String host,
        int port,
        int tensorParallel,
        int pipelineParallel,
        OptionalInt maxModelLen,
        OptionalInt maxNumSeqs,
        OptionalInt maxNumBatchedTokens,
        int blockSize,
        double memoryUtilization,
        String dtype,
        long seed,
        boolean prefixCaching,
        Optional<Boolean> chunkedPrefill,
        boolean priorityScheduling,
        int longPrefillThreshold,
        OptionalInt blocksOverride,
        OptionalLong kvCacheBytes,
        int maxLogprobs,
        List<String> apiKeys,
        boolean logStats,
        boolean accessLog,
        Set<String> quietEndpoints,
        int shutdownSeconds,
        List<Fault> faults,
        Optional<Simulation> simulation,
        long deviceMemoryBytes,
        int devices,
        Map<String, String> given) {

    /** What this engine follows unless told. */
    static final String NEWEST = "0.33.0";

    /** vLLM's default share of a device's memory before 0.20. */
    private static final double OLD_UTILIZATION = 0.9;

    static final String DTYPES = "auto bfloat16 float float16 float32 half";

    /**
     * Reads a command line in any form that vLLM takes: {@code MODEL --flag value …} or {@code --model MODEL …}.
     *
     * @param visibleDevices those a node hands out; empty: all of the simulated or this machine's
     * @throws ArgumentError on what argparse refuses: unknown flags, values of the wrong kind
     */
    public static EngineArgs read(List<String> tokens, OptionalInt visibleDevices) throws ArgumentError {
        var reader = Reader.of(tokens);
        int tp = reader.whole("--tensor-parallel-size", 1, 1);
        int pp = reader.whole("--pipeline-parallel-size", 1, 1);
        var model = reader.model();
        var simulation = reader.simulation();
        var release = reader.release();
        var version = EngineVersion.of(release);
        var names = reader.many("--served-model-name");
        return new EngineArgs(
                model,
                release,
                names.isEmpty() ? List.of(model) : names,
                reader.text("--host", "127.0.0.1"),
                reader.port(),
                tp,
                pp,
                reader.maxModelLen(),
                reader.optional("--max-num-seqs", 1),
                reader.optional("--max-num-batched-tokens", 1),
                reader.whole("--block-size", EmbeddedSizes.BLOCK_TOKENS, 1),
                reader.fraction(
                        "--gpu-memory-utilization",
                        version.minor() >= 20 ? EmbeddedSizes.UTILIZATION : OLD_UTILIZATION),
                reader.choice("--dtype", "auto", DTYPES),
                reader.whole("--seed", 0, 0),
                reader.on("enable-prefix-caching", !version.v0()),
                reader.has("enable-chunked-prefill")
                        ? Optional.of(reader.on("enable-chunked-prefill", true))
                        : Optional.empty(),
                reader.choice("--scheduling-policy", "fcfs", "fcfs priority").equals("priority"),
                reader.whole("--long-prefill-token-threshold", 0, 0),
                reader.optional("--num-gpu-blocks-override", 1),
                reader.bytes("--kv-cache-memory-bytes"),
                reader.whole("--max-logprobs", 20, -1),
                reader.many("--api-key"),
                !reader.on("disable-log-stats", false),
                !reader.on("disable-uvicorn-access-log", false),
                Set.of(String.join(",", reader.many("--disable-access-log-for-endpoints"))
                        .split(",", -1)),
                reader.whole("--shutdown-timeout", 0, 0),
                Fault.parse(reader.text("--fault", ""), tp, pp),
                simulation,
                reader.bytes("--device-memory")
                        .orElse(simulation
                                .map(simulated -> simulated.server().gpu().memoryBytes())
                                .orElse(EmbeddedSizes.DEVICE_BYTES)),
                reader.whole("--devices", visibleDevices.orElse(devices(simulation)), 1),
                Map.copyOf(reader.shown()));
    }

    private static int devices(Optional<Simulation> simulation) {
        return simulation.map(Simulation::devices).orElse(Runtime.getRuntime().availableProcessors());
    }

    EngineVersion version() {
        return EngineVersion.of(release);
    }

    public String servedName() {
        return servedNames.getFirst();
    }

    /** True when it answers as gonka's fork of vLLM does. */
    boolean gonka() {
        return given.containsKey("gonka");
    }

    TokenStyle tokenStyle() {
        return given.containsKey("return_tokens_as_token_ids") ? TokenStyle.PREFIXED_ID : TokenStyle.TEXT;
    }

    /** gonka's fork has another default than vLLM. */
    boolean processedLogprobs() {
        return given.getOrDefault("logprobs_mode", gonka() ? "processed_logprobs" : "raw_logprobs")
                .equals("processed_logprobs");
    }

    /** The fault of a kind, if it is to happen. */
    Optional<Fault> fault(Fault.Kind kind) {
        return faults.stream().filter(fault -> fault.kind() == kind).findFirst();
    }

    /** Looks values up; each refusal is argparse's. */
    private static final class Reader {
        /** vLLM reads 4k as 4000 and 4K as 4096, in these flags alone. */
        private static final Map<String, String> NUMBER_KINDS = Map.of(
                "--max-model-len", "human_readable_int_or_auto", "--max-num-batched-tokens", "human_readable_int");

        private final VllmArgs args;
        private final List<String> positionals;

        private Reader(VllmArgs args, List<String> positionals) {
            this.args = args;
            this.positionals = positionals;
        }

        static Reader of(List<String> tokens) throws ArgumentError {
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
                    positionals.addAll(
                            given.values().subList(own, given.values().size()));
                }
            }
            if (positionals.size() > 1) {
                unknown.addAll(positionals.subList(1, positionals.size()));
            }
            if (!unknown.isEmpty()) {
                throw new ArgumentError("unrecognized arguments: " + String.join(" ", unknown));
            }
            return new Reader(args, positionals);
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
            var text = text("--engine-version", NEWEST);
            if (!text.matches("0\\.(8\\.1|(9|[12]\\d|3[0-3])(\\.\\d{1,3})?)")) {
                throw new ArgumentError("argument --engine-version: invalid value: '" + text
                        + "' (a release of vLLM: 0.8.1, with its V0 scheduler, or 0.9 to " + NEWEST + ")");
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
            boolean on = absent;
            for (var given : args.given()) {
                boolean value =
                        !isBoolean(given.values()) || given.values().getFirst().equalsIgnoreCase("true");
                if (given.flag().equals("--" + name)) {
                    on = value;
                } else if (given.flag().equals("--no-" + name)) {
                    on = !value;
                }
            }
            return on;
        }

        Optional<Simulation> simulation() throws ArgumentError {
            var spec = args.value("--simulate");
            if (spec.isEmpty() && args.value("--time-scale").isPresent()) {
                throw new ArgumentError("argument --time-scale: not allowed without --simulate");
            }
            return spec.isEmpty()
                    ? Optional.empty()
                    : Optional.of(Simulation.parse(spec.get(), text("--time-scale", "1")));
        }

        OptionalInt optional(String flag, int least) throws ArgumentError {
            var text = args.value(flag);
            if (text.isEmpty()) {
                return OptionalInt.empty();
            }
            var kind = NUMBER_KINDS.getOrDefault(flag, "int");
            var number = text.get().matches("-?\\d{1,12}")
                    ? OptionalLong.of(Long.parseLong(text.get()))
                    : !kind.equals("int") && text.get().matches("[\\d.]+[kKmM]")
                            ? ByteSize.parse(text.get())
                            : OptionalLong.empty();
            if (number.isEmpty() || number.getAsLong() > Integer.MAX_VALUE) {
                throw new ArgumentError("argument " + flag + ": invalid " + kind + " value: '" + text.get() + "'");
            }
            if (number.getAsLong() < least) {
                throw new ArgumentError(
                        "argument " + flag + ": invalid value: " + text.get() + " (it must be at least " + least + ")");
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

        double fraction(String flag, double absent) throws ArgumentError {
            var text = args.value(flag);
            if (text.isEmpty()) {
                return absent;
            }
            if (!text.get().matches("\\d*\\.?\\d+")) {
                throw new ArgumentError("argument " + flag + ": invalid float value: '" + text.get() + "'");
            }
            double value = Double.parseDouble(text.get());
            if (value <= 0 || value > 1) {
                throw new ArgumentError("argument " + flag + ": invalid value: " + value
                        + " (it must be greater than 0 and at most 1)");
            }
            return value;
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
                throw new ArgumentError("argument " + flag + ": invalid size: '" + text.get()
                        + "' (bytes, or such as 256MiB or 1.5GiB)");
            }
            return bytes;
        }

        Map<String, String> shown() {
            var shown = new TreeMap<String, String>();
            for (var given : args.given()) {
                var value = given.values().isEmpty() ? "True" : String.join(" ", given.values());
                shown.put(
                        given.flag().substring(2).replace('-', '_'),
                        given.flag().equals("--api-key") ? "***" : value);
            }
            return shown;
        }
    }
}
