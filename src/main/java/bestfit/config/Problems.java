package bestfit.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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

    /** What a reader makes of the input; empty, and its problems added, if it finds any. */
    public <T> Optional<T> of(Supplier<T> reader) {
        try {
            return Optional.of(reader.get());
        } catch (ConfigException e) {
            addAll(e);
            return Optional.empty();
        }
    }

    /** A problem unless {@code value} is within the bounds, both of them allowed. */
    public void requireRange(String flag, long value, long least, long most) {
        if (value < least || value > most) {
            add(flag + ": " + value + " is not allowed; it takes a whole number from " + least + " to " + most + ".");
        }
    }

    /** A problem unless {@code value} is null or among the allowed ones. */
    public void requireOneOf(String flag, @Nullable String value, String... allowed) {
        if (value != null && !List.of(allowed).contains(value)) {
            add(flag + ": " + value + " is not allowed; it takes " + String.join(" or ", allowed) + ".");
        }
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
