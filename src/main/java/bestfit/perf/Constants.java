package bestfit.perf;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The model's numbers by name, each with the standard deviation of its logarithm: the priors from data sheets and tables of
 * single operations, or what a fit on servers under load made of them. Resources {@code priors.properties} and
 * {@code constants.properties} say on what each rests. Immutable.
 */
public final class Constants {
    private static final Constants PRIORS = read("priors.properties", Map.of());
    private static final Constants SHIPPED = read("constants.properties", PRIORS.values);

    /** @param doubt standard deviation of the logarithm */
    private record Value(double value, double doubt) {}

    private final Map<String, Value> values;
    private final @Nullable Set<String> asked;

    private Constants(Map<String, Value> values, @Nullable Set<String> asked) {
        this.values = values;
        this.asked = asked;
    }

    /** These, noting in a set which are asked for. */
    Constants noting(Set<String> names) {
        return new Constants(values, names);
    }

    public static Constants shipped() {
        return SHIPPED;
    }

    /** From tables of single operations only; no server under load was looked at. */
    public static Constants priors() {
        return PRIORS;
    }

    /** @throws IllegalArgumentException if there is no such constant */
    public double get(String name) {
        return value(name).value();
    }

    /** Standard deviation of the constant's logarithm. */
    public double doubt(String name) {
        return value(name).doubt();
    }

    private Value value(String name) {
        var found = values.get(name);
        if (found == null) {
            throw new IllegalArgumentException("no constant " + name);
        }
        if (asked != null) {
            asked.add(name);
        }
        return found;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    /** Those that a fit may move. */
    public SortedSet<String> names() {
        var names = new TreeSet<>(values.keySet());
        names.removeIf(name -> name.startsWith("spread."));
        return names;
    }

    /** These with one number replaced, its doubt unchanged. */
    public Constants with(String name, double value) {
        return with(name, value, doubt(name));
    }

    /** These with one number and its doubt replaced. */
    public Constants with(String name, double value, double doubt) {
        var copy = new HashMap<>(values);
        copy.put(name, new Value(value, doubt));
        return new Constants(copy, asked);
    }

    /** These with all numbers whose names begin alike multiplied; their doubts unchanged. */
    Constants scaled(String beginning, double factor) {
        if (factor == 1) {
            return this;
        }
        var copy = new HashMap<>(values);
        copy.replaceAll(
                (name, value) -> name.startsWith(beginning) ? new Value(value.value() * factor, value.doubt()) : value);
        return new Constants(copy, asked);
    }

    private static Constants read(String resource, Map<String, Value> under) {
        var properties = new Properties();
        try (var in = Constants.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("resource " + resource + " is missing");
            }
            properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var values = new HashMap<>(under);
        for (var name : properties.stringPropertyNames()) {
            var cells = properties.getProperty(name).split(",", -1);
            values.put(name, new Value(Double.parseDouble(cells[0]), Double.parseDouble(cells[1])));
        }
        return new Constants(values, null);
    }
}
