package bestfit.node;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The environment that child processes inherit: the parent's without its secrets. */
public final class ChildEnvironment {
    private ChildEnvironment() {}

    /** A modifiable copy without names that end in TOKEN (HF_TOKEN stays: the hub needs it), KEY, PASSWORD or SECRET, in either case. */
    public static Map<String, String> of(Map<String, String> parent) {
        var child = new TreeMap<>(parent);
        child.keySet().removeIf(name -> !name.equals("HF_TOKEN") && isSecret(name));
        return child;
    }

    private static boolean isSecret(String given) {
        var name = given.toUpperCase(Locale.ROOT);
        return name.endsWith("TOKEN") || name.endsWith("KEY") || name.endsWith("PASSWORD") || name.endsWith("SECRET");
    }
}
