package bestfit.args;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * vLLM's command-line arguments, kept exactly as given. Reading understands every spelling that vLLM's parser takes:
 * {@code --tensor-parallel-size 4}, {@code --tensor-parallel-size=4}, underscores for dashes, short forms
 * ({@code -tp 4}, {@code -tp=4}), abbreviations ({@code --tensor-parallel 4}); of repeated flags the last wins. Immutable.
 */
public record VllmArgs(List<String> list) {
    private static final Pattern LARGE = Pattern.compile("(\\d{1,15}|\\d{1,6}(?:\\.\\d+)?(?=[kmgt]))([kKmMgGtT]?)");
    private static final Pattern NUMBER = Pattern.compile("(\\d{1,9}|\\d{1,6}(?:\\.\\d+)?(?=[km]))([kKmM]?)");

    public VllmArgs {
        list = List.copyOf(list);
    }

    public static VllmArgs of(String... args) {
        return new VllmArgs(List.of(args));
    }

    /** Short and alternative spellings, by vLLM's {@code arg_utils.py}. */
    private static String longName(String flag) {
        return switch (flag) {
            case "-tp" -> "--tensor-parallel-size";
            case "-pp" -> "--pipeline-parallel-size";
            case "-dp" -> "--data-parallel-size";
            case "-dcp" -> "--decode-context-parallel-size";
            case "-pcp" -> "--prefill-context-parallel-size";
            case "-dpn" -> "--data-parallel-rank";
            case "-dpr" -> "--data-parallel-start-rank";
            case "-dpl" -> "--data-parallel-size-local";
            case "-dpa" -> "--data-parallel-address";
            case "-dpp" -> "--data-parallel-rpc-port";
            case "-dpb" -> "--data-parallel-backend";
            case "-dph" -> "--data-parallel-hybrid-lb";
            case "-dpe" -> "--data-parallel-external-lb";
            case "-dpm" -> "--data-parallel-multi-port-external-lb";
            case "-asc" -> "--api-server-count";
            case "-n" -> "--nnodes";
            case "-r" -> "--node-rank";
            case "-ac" -> "--attention-config";
            case "-dc" -> "--diffusion-config";
            case "-q" -> "--quantization";
            case "-ep" -> "--enable-expert-parallel";
            case "-sc" -> "--speculative-config";
            case "-O", "-cc" -> "--compilation-config";
            case "--device-memory-utilization", "--device_memory_utilization" -> "--gpu-memory-utilization";
            default -> flag.startsWith("--") ? flag.replace('_', '-') : flag;
        };
    }

    /** The flag's canonical name, without any value joined by {@code =}; empty when {@code token} is no flag. */
    public static Optional<String> flagOf(String token) {
        if (!token.startsWith("-") || token.length() < 2 || isNumber(token)) {
            return Optional.empty();
        }
        int equals = token.indexOf('=');
        return Optional.of(longName(equals < 0 ? token : token.substring(0, equals)));
    }

    /** {@link #flagOf}, an abbreviation taken for its flag as vLLM takes it. */
    public static Optional<String> meantBy(String token) {
        return flagOf(token).map(ArgCatalogue::unabbreviated);
    }

    private static boolean isNumber(String token) {
        return token.matches("-\\d+(\\.\\d*)?([eE][-+]?\\d+)?");
    }

    /** One flag with the tokens that follow it up to the next flag. */
    public record Given(String flag, List<String> values) {
        public Given {
            values = List.copyOf(values);
        }
    }

    /** Flags in order; tokens before the first flag are dropped. */
    public List<Given> given() {
        var all = new ArrayList<Given>();
        String flag = null;
        var values = new ArrayList<String>();
        for (var token : list) {
            var name = meantBy(token);
            if (name.isPresent()) {
                if (flag != null) {
                    all.add(new Given(flag, values));
                }
                flag = name.get();
                values = new ArrayList<>();
                int equals = token.indexOf('=');
                if (equals >= 0) {
                    values.add(token.substring(equals + 1));
                }
            } else {
                values.add(token);
            }
        }
        if (flag != null) {
            all.add(new Given(flag, values));
        }
        return all;
    }

    public boolean has(String flag) {
        return given().stream().anyMatch(each -> each.flag().equals(flag));
    }

    /**
     * Whether a switch is on, {@code absent} where it is not given; of {@code --NAME}, {@code --no-NAME} and old versions'
     * {@code --NAME=False} the last counts.
     */
    public boolean on(String name, boolean absent) {
        boolean on = absent;
        for (var given : given()) {
            boolean value =
                    given.values().isEmpty() || !given.values().getFirst().equalsIgnoreCase("false");
            if (given.flag().equals("--" + name)) {
                on = value;
            } else if (given.flag().equals("--no-" + name)) {
                on = !value;
            }
        }
        return on;
    }

    /** The last value given for a long flag such as {@code --max-num-seqs}; empty if absent or without a value. */
    public Optional<String> value(String flag) {
        return given().stream()
                .filter(each -> each.flag().equals(flag) && !each.values().isEmpty())
                .reduce((first, second) -> second)
                .map(each -> each.values().getFirst());
    }

    /**
     * {@link #value} as a whole number; empty if absent or not one. Number words are vLLM's: {@code 32k} is 32,000,
     * {@code 32K} 32,768 (arg_utils.human_readable_int).
     */
    public OptionalInt intValue(String flag) {
        return value(flag).map(NUMBER::matcher).filter(Matcher::matches).stream()
                .mapToInt(found -> (int) Math.rint(Double.parseDouble(found.group(1)) * scale(found.group(2))))
                .findFirst();
    }

    /** The same for what may be more than 2³¹: bytes, with {@code g}, {@code G}, {@code t} and {@code T} as well. */
    public OptionalLong longValue(String flag) {
        return value(flag).map(LARGE::matcher).filter(Matcher::matches).stream()
                .mapToLong(found -> Math.round(Double.parseDouble(found.group(1)) * scale(found.group(2))))
                .findFirst();
    }

    private static double scale(@Nullable String word) {
        return switch (word) {
            case "k" -> 1e3;
            case "K" -> 1 << 10;
            case "m" -> 1e6;
            case "M" -> 1 << 20;
            case "g" -> 1e9;
            case "G" -> 1 << 30;
            case "t" -> 1e12;
            case "T" -> 1L << 40;
            case null, default -> 1;
        };
    }

    public int tensorParallel() {
        return Math.max(1, intValue("--tensor-parallel-size").orElse(1));
    }

    public int pipelineParallel() {
        return Math.max(1, intValue("--pipeline-parallel-size").orElse(1));
    }

    public int dataParallel() {
        return Math.max(1, intValue("--data-parallel-size").orElse(1));
    }

    /** Ranks that share a prompt's tokens; vLLM counts them as it counts pipeline stages. */
    public int prefillContextParallel() {
        return Math.max(1, intValue("--prefill-context-parallel-size").orElse(1));
    }

    /** Devices that one instance takes. */
    public int devicesPerInstance() {
        return tensorParallel() * pipelineParallel() * prefillContextParallel() * dataParallel();
    }

    public VllmArgs plus(String... more) {
        var all = new ArrayList<>(list);
        all.addAll(List.of(more));
        return new VllmArgs(all);
    }

    /**
     * gonka's MergeModelArgs: the mandatory args first; of ours only those whose exact {@code --key} the mandatory ones
     * lack. Only tokens that start with {@code --} are keys; a value that starts with {@code --} is not taken as one.
     */
    public static VllmArgs merge(VllmArgs mandatory, VllmArgs ours) {
        var merged = new ArrayList<>(mandatory.list);
        for (int i = 0; i < ours.list.size(); i++) {
            var key = ours.list.get(i);
            if (!key.startsWith("--")) {
                continue;
            }
            boolean hasValue = i + 1 < ours.list.size() && !ours.list.get(i + 1).startsWith("--");
            if (!mandatory.list.contains(key)) {
                merged.add(key);
                if (hasValue) {
                    merged.add(ours.list.get(i + 1));
                }
            }
            if (hasValue) {
                i++;
            }
        }
        return new VllmArgs(merged);
    }
}
