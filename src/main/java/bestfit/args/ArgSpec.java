package bestfit.args;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What is known of one of vLLM's flags.
 *
 * @param flag canonical long form; a switch has a {@code --no-} form too
 * @param type of its value, in words
 * @param since first release that is known to have it, of those that were looked at
 * @param until first release that is known to lack it again; empty while it is there
 * @param defaultIn081 what 0.8.1 takes when it is not given; empty where unknown
 * @param defaultNow what later releases take, such as {@code 0.9 until 0.20, then 0.92}
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

    /** Whether a release has a flag. */
    public enum Presence {
        THERE,
        ABSENT,
        /** The release lies between those whose flags are known. */
        UNKNOWN
    }

    /** Releases of which every flag is known. */
    private static final List<String> COMPLETE = List.of("0.8.1", "0.9.1", "0.23", "0.32", "0.33");

    /** "0.9 until 0.20, then 0.92". */
    private static final Pattern CHANGED = Pattern.compile("(.+) until ([\\d.]+), then (.+)");

    /** Whether a release such as {@code 0.23} or {@code 0.8.1} has the flag. */
    public Presence presence(String version) {
        if (until.filter(end -> compare(end, version) <= 0).isPresent()) {
            return Presence.ABSENT;
        }
        if (compare(since, version) <= 0) {
            return Presence.THERE;
        }
        return absentIn().filter(last -> compare(version, last) <= 0).isPresent() ? Presence.ABSENT : Presence.UNKNOWN;
    }

    /** The last release that is known not to have had it yet; empty where none is. */
    public Optional<String> absentIn() {
        return COMPLETE.reversed().stream()
                .filter(release -> compare(release, since) < 0)
                .findFirst();
    }

    /** What a release takes when the flag is not given; empty where unknown. */
    public Optional<String> defaultIn(String version) {
        return (compare(version, "0.9") < 0 ? defaultIn081 : defaultNow).map(value -> {
            var changed = CHANGED.matcher(value);
            return !changed.matches() ? value : changed.group(compare(version, changed.group(2)) < 0 ? 1 : 3);
        });
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
