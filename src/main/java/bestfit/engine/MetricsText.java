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

    private static final double GO_WHOLE = 1e6;

    /** Stands for a bucket's bound while its labels are put together. */
    private static final String BOUND = "\0";

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
            buckets(name, labels, state);
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

    /** Most of the page: what its lines share is put together once, since an engine's streams wait meanwhile. */
    private void buckets(String name, Map<String, String> labels, Histogram.State state) {
        var all = text(with(labels, "le", BOUND));
        int bound = all.indexOf(BOUND);
        var before = name + "_bucket" + all.substring(0, bound);
        var after = all.substring(bound + BOUND.length());
        for (int i = 0; i < state.bounds().length; i++) {
            out.append(before);
            number(state.bounds()[i]);
            out.append(after);
            value((double) state.counts()[i]);
        }
        out.append(before).append("+Inf").append(after);
        value((double) state.count());
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
        out.append(name).append(text(labels));
        value(value);
    }

    private static String text(Map<String, String> labels) {
        if (labels.isEmpty()) {
            return "";
        }
        var text = new StringBuilder();
        labels.forEach((name, value) -> text.append(text.isEmpty() ? '{' : ',')
                .append(name)
                .append("=\"")
                .append(value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"))
                .append('"'));
        return text.append('}').toString();
    }

    private void value(double value) {
        out.append(' ');
        number(value);
        out.append('\n');
    }

    /** As Python's client writes it: 20000.0, but 1.5e+06 from seven digits before the point on, as Go would. */
    private void number(double value) {
        if (value == (long) value && value >= 0 && value < GO_WHOLE) {
            out.append((long) value).append(".0");
            return;
        }
        var text = PythonText.number(value);
        int dot = text.indexOf('.');
        if (value <= 0 || dot <= GO_DIGITS || text.indexOf('e') >= 0) {
            out.append(text);
            return;
        }
        var digits = text.charAt(0) + "." + text.substring(1, dot) + text.substring(dot + 1);
        out.append(digits.replaceFirst("[.0]+$", "")).append(String.format(Locale.ROOT, "e+%02d", dot - 1));
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
