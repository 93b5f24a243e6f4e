package bestfit.engine;

import bestfit.openai.PythonText;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Prometheus' text format as Python's client writes it: labels by name, and beside each counter, histogram and summary a
 * gauge of when it was created. Not thread-safe.
 */
final class MetricsText {
    /** Digits before the point that Go, and so Prometheus, writes without an exponent. */
    private static final int GO_DIGITS = 6;

    private final StringBuilder out = new StringBuilder(32_768);
    private final double createdUnixSeconds;

    MetricsText(double createdUnixSeconds) {
        this.createdUnixSeconds = createdUnixSeconds;
    }

    /** Label names and values by turns. */
    static Map<String, String> labels(String... namesAndValues) {
        var labels = new TreeMap<String, String>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            labels.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return labels;
    }

    static Map<String, String> with(Map<String, String> labels, String name, String value) {
        var all = new TreeMap<>(labels);
        all.put(name, value);
        return all;
    }

    /** One value without labels that counts nothing of the engine's, so that it tells no creation. */
    void single(String name, String type, String help, double value) {
        family(name, type, help);
        sample(name, Map.of(), value);
    }

    void gauge(String name, String help, Map<Map<String, String>, ? extends Number> series) {
        family(name, "gauge", help);
        series.forEach((labels, value) -> sample(name, labels, value.doubleValue()));
    }

    /** @param name with the {@code _total} that its samples have */
    void counter(String name, String help, Map<Map<String, String>, ? extends Number> series) {
        family(name, "counter", help);
        series.forEach((labels, value) -> sample(name, labels, value.doubleValue()));
        created(name.substring(0, name.length() - "_total".length()), help, series.keySet());
    }

    void histogram(String name, String help, Map<Map<String, String>, Histogram> series) {
        family(name, "histogram", help);
        series.forEach((labels, histogram) -> {
            var state = histogram.state();
            for (int i = 0; i < state.bounds().length; i++) {
                bucket(name, labels, number(state.bounds()[i]), (double) state.counts()[i]);
            }
            bucket(name, labels, "+Inf", (double) state.count());
            sample(name + "_count", labels, (double) state.count());
            sample(name + "_sum", labels, state.sum());
        });
        created(name, help, series.keySet());
    }

    /** Counts and sums alone. */
    void summary(String name, String help, Map<Map<String, String>, Histogram> series) {
        family(name, "summary", help);
        series.forEach((labels, histogram) -> {
            sample(name + "_count", labels, (double) histogram.state().count());
            sample(name + "_sum", labels, histogram.state().sum());
        });
        created(name, help, series.keySet());
    }

    private void bucket(String name, Map<String, String> labels, String bound, double count) {
        sample(name + "_bucket", with(labels, "le", bound), count);
    }

    private void created(String name, String help, Set<Map<String, String>> series) {
        if (series.isEmpty()) {
            return;
        }
        family(name + "_created", "gauge", help);
        series.forEach(labels -> sample(name + "_created", labels, createdUnixSeconds));
    }

    private void family(String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private void sample(String name, Map<String, String> labels, double value) {
        out.append(name);
        char before = '{';
        for (var label : labels.entrySet()) {
            out.append(before).append(label.getKey()).append("=\"");
            out.append(label.getValue()
                            .replace("\\", "\\\\")
                            .replace("\"", "\\\"")
                            .replace("\n", "\\n"))
                    .append('"');
            before = ',';
        }
        out.append(labels.isEmpty() ? " " : "} ").append(number(value)).append('\n');
    }

    /** As Python's client writes it: 20000.0, but 1.5e+06 from seven digits before the point on, as Go would. */
    private static String number(double value) {
        var text = PythonText.number(value);
        int dot = text.indexOf('.');
        if (value <= 0 || dot <= GO_DIGITS || text.indexOf('e') >= 0) {
            return text;
        }
        var digits = text.charAt(0) + "." + text.substring(1, dot) + text.substring(dot + 1);
        return String.format(Locale.ROOT, "%se+%02d", digits.replaceFirst("[.0]+$", ""), dot - 1);
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
