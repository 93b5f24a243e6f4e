package bestfit.perf;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/** The model's fitted numbers by name; resource {@code constants.properties} says what each was fitted on. Immutable. */
public final class Constants {
    private static final Constants SHIPPED = read();

    private final Map<String, double[]> values;

    private Constants(Map<String, double[]> values) {
        this.values = values;
    }

    public static Constants shipped() {
        return SHIPPED;
    }

    /** @throws IllegalArgumentException if there is no such constant */
    public double get(String name) {
        return list(name)[0];
    }

    double[] list(String name) {
        var found = values.get(name);
        if (found == null) {
            throw new IllegalArgumentException("no constant " + name);
        }
        return found;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    /** These with one number replaced. */
    public Constants with(String name, double value) {
        var copy = new HashMap<>(values);
        var list = list(name).clone();
        list[0] = value;
        copy.put(name, list);
        return new Constants(copy);
    }

    private static Constants read() {
        var properties = new Properties();
        try (var in = Constants.class.getResourceAsStream("constants.properties")) {
            if (in == null) {
                throw new IllegalStateException("resource constants.properties is missing");
            }
            properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var values = new HashMap<String, double[]>();
        for (var name : properties.stringPropertyNames()) {
            var cells = properties.getProperty(name).split(",", -1);
            var numbers = new double[cells.length];
            for (int i = 0; i < cells.length; i++) {
                numbers[i] = Double.parseDouble(cells[i]);
            }
            values.put(name, numbers);
        }
        return new Constants(values);
    }
}
