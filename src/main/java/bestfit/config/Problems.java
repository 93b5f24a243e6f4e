package bestfit.config;

import java.util.ArrayList;
import java.util.List;

/** Collects every problem of a user's input so that all are shown at once. Not thread-safe. */
public final class Problems {
    private final List<String> found = new ArrayList<>();

    /** A problem is a whole sentence: where, which value, what is allowed. */
    public void add(String problem) {
        found.add(problem);
    }

    /** What something else had found. */
    public void addAll(ConfigException others) {
        found.addAll(others.problems());
    }

    public boolean none() {
        return found.isEmpty();
    }

    /**
     * Throws when anything was added.
     *
     * @throws ConfigException with all problems
     */
    public void throwIfAny() {
        if (!found.isEmpty()) {
            throw new ConfigException(found);
        }
    }
}
