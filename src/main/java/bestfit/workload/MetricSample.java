package bestfit.workload;

import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A line of a Prometheus page: labels with any text in them, then a value, then perhaps a time stamp or an exemplar.
 *
 * @param labels as written, without a bucket's edge
 * @param edge of a bucket; NaN if it is none
 */
record MetricSample(String labels, double edge, double value) {
    private static final Pattern EDGE = Pattern.compile("(?:^|,) *le=\"([^\"]*)\"");
    private static final String EXEMPLAR = " # ";

    /** Those of a metric whose values are numbers. */
    static Stream<MetricSample> of(String page, String name) {
        return page.lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .map(line -> parse(line, name.length()))
                .filter(sample -> !Double.isNaN(sample.value));
    }

    private static MetricSample parse(String line, int nameLength) {
        int exemplar = line.indexOf(EXEMPLAR);
        var sample = exemplar < 0 ? line : line.substring(0, exemplar);
        int close = Math.max(sample.lastIndexOf('}'), nameLength);
        var labels = close == nameLength ? "" : sample.substring(nameLength + 1, close);
        var edge = EDGE.matcher(labels);
        boolean isBucket = edge.find();
        return new MetricSample(
                isBucket ? edge.replaceFirst("") : labels,
                isBucket ? number(edge.group(1)) : Double.NaN,
                number(sample.substring(close + 1).strip().split("\\s+", 2)[0]));
    }

    /** NaN if it is none. */
    private static double number(String text) {
        try {
            return text.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(text);
        } catch (NumberFormatException none) {
            return Double.NaN;
        }
    }
}
