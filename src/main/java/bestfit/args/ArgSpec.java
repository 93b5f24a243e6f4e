package bestfit.args;

import java.util.Optional;

/**
 * What is known of one of vLLM's flags.
 *
 * @param flag canonical long form; a switch has a {@code --no-} form too
 * @param type of its value, in words
 * @param since first release that is known to have it, of those that were looked at
 * @param until first release that is known to lack it again; empty while it is there
 * @param defaultIn081 what 0.8.1 takes when it is not given; empty where unknown
 * @param defaultNow what later releases take
 * @param engineUse what the embedded engine does with it
 */
public record ArgSpec(
        String flag,
        ArgEffect effect,
        Takes takes,
        String type,
        String since,
        Optional<String> until,
        Optional<String> defaultIn081,
        Optional<String> defaultNow,
        EngineUse engineUse) {

    /** How many tokens follow a flag. */
    public enum Takes {
        /** None; {@code --no-x} exists too. */
        SWITCH,
        ONE,
        /** Up to the next flag. */
        MANY
    }

    /** What the embedded engine does with a flag. */
    public enum EngineUse {
        OBEYED,
        /** Without a meaning there. */
        TAKEN,
        REFUSED
    }

    /** True when a release such as {@code 0.23} or {@code 0.8.1} has the flag. */
    public boolean isIn(String version) {
        return compare(since, version) <= 0
                && until.filter(end -> compare(end, version) <= 0).isEmpty();
    }

    /** What a release takes when the flag is not given; empty where unknown. */
    public Optional<String> defaultIn(String version) {
        return compare(version, "0.9") < 0 ? defaultIn081 : defaultNow;
    }

    /** Release numbers part by part; a missing part is 0. */
    private static int compare(String one, String other) {
        var a = one.split("\\.", -1);
        var b = other.split("\\.", -1);
        for (int i = 0; i < Math.max(a.length, b.length); i++) {
            int order = Integer.compare(
                    i < a.length ? Integer.parseInt(a[i]) : 0, i < b.length ? Integer.parseInt(b[i]) : 0);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }
}
