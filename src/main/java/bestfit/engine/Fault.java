package bestfit.engine;

import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A way to fail on purpose, so that everything that watches engines can be tried.
 *
 * @param amount tokens, percent or prompt length, as the kind says; 0 where it takes none
 */
public record Fault(Kind kind, long amount) {
    /** What happens. */
    public enum Kind {
        /** Fails at start with exit code 1. */
        EXIT(false),
        /** Lives but never answers. */
        NEVER_READY(false),
        /** Dies as vLLM's engine process does after so many tokens: broken streams, 503, exit code 0. */
        DIE(true),
        /** Is gone at once, exit code 1, after so many tokens. */
        CRASH(true),
        /** After so many tokens no further one comes; /health stays 200. */
        HANG(true),
        /** Every step takes so many percent longer. */
        SLOW(true),
        /** A prompt longer than so many tokens is out of memory, and the engine dies. */
        OOM(true),
        /** Logits are not numbers: token 0 for ever. */
        NAN(false),
        /** Cuts each stream's connection after so many tokens. */
        RESET(true);

        private final boolean takesAmount;

        Kind(boolean takesAmount) {
            this.takesAmount = takesAmount;
        }

        String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * Reads {@code [LAYOUT:]KIND[:N],…}; layouts are {@code tp=2} or {@code pp=2}, and a fault with one counts only for an
     * engine that runs with it.
     */
    static List<Fault> parse(String spec, int tp, int pp) throws ArgumentError {
        var faults = new ArrayList<Fault>();
        for (var part : spec.isBlank() ? new String[0] : spec.split(",", -1)) {
            var words = new ArrayList<>(Arrays.asList(part.strip().split(":", -1)));
            boolean applies = true;
            if (words.getFirst().matches("[tp]p=\\d{1,4}")) {
                int size = Integer.parseInt(words.getFirst().substring(3));
                applies = size == (words.removeFirst().startsWith("tp") ? tp : pp);
            }
            var fault = read(words, part);
            if (applies) {
                faults.add(fault);
            }
        }
        return faults;
    }

    /**
     * Refuses a specification that an engine would refuse.
     *
     * @throws ConfigException naming the part and what is allowed
     */
    public static void check(String spec) {
        try {
            parse(spec.isBlank() ? "(empty)" : spec, 1, 1);
        } catch (ArgumentError refused) {
            throw new ConfigException(
                    String.valueOf(refused.getMessage()).replace("argument --fault: invalid value", "--fault"));
        }
    }

    private static Fault read(List<String> words, String part) throws ArgumentError {
        for (var kind : Kind.values()) {
            if (!words.isEmpty() && words.getFirst().equals(kind.label()) && words.size() <= 2) {
                boolean hasAmount = words.size() == 2;
                if (hasAmount && !(kind.takesAmount && words.get(1).matches("\\d{1,12}"))) {
                    break;
                }
                return new Fault(kind, hasAmount ? Long.parseLong(words.get(1)) : 0);
            }
        }
        var kinds = Arrays.stream(Kind.values())
                .map(kind -> kind.label() + (kind.takesAmount ? ":N" : ""))
                .collect(Collectors.joining(", "));
        throw new ArgumentError("argument --fault: invalid value: '" + part
                + "' (it is [tp=N:|pp=N:]KIND, comma-separated, KIND one of " + kinds + ")");
    }
}
