package bestfit.report;

import bestfit.report.TextTable.Align;
import bestfit.report.TextTable.Ruling;
import bestfit.store.Experiment;
import bestfit.store.Experiment.Metric;
import bestfit.store.Experiment.Parameter;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Experiments as compressa-perf prints and exports them, with every column under its own header. */
public final class CompressaTables {
    private static final int METRIC_DIGITS = 4;
    private static final int PARAMETER_DIGITS = 2;
    private static final int LONGEST_PARAMETER = 10;

    private CompressaTables() {}

    /** Details, parameters and metrics of one experiment. */
    public static String report(Experiment experiment) {
        var parameters = new TextTable(
                Ruling.FANCY,
                List.of("Parameter", "Value"),
                List.of(Align.RIGHT, Align.RIGHT),
                experiment.parameters().stream()
                        .map(p -> List.of(
                                p.key(), formatValue(p.value(), METRIC_DIGITS).strip()))
                        .toList());
        var metrics = new TextTable(
                Ruling.FANCY,
                List.of("Metric", "Value"),
                List.of(Align.LEFT, Align.DECIMAL),
                experiment.metrics().stream()
                        .map(m -> List.of(
                                m.name(),
                                withoutExponent(
                                        formatValue(m.value(), METRIC_DIGITS).strip())))
                        .toList());
        return String.join(
                System.lineSeparator(),
                "",
                "Experiment Details:",
                "ID: " + experiment.id(),
                "Name: " + experiment.name(),
                "Date: " + experiment.date(),
                "Description: " + text(experiment.description()),
                "",
                "Experiment Parameters:",
                parameters.render(),
                "",
                "Experiment Metrics:",
                experiment.metrics().isEmpty()
                        ? "none: no request succeeded, or the run did not end (report " + experiment.id()
                                + " --recompute computes them from what was measured)"
                        : metrics.render());
    }

    /**
     * One row an experiment, in the order given.
     *
     * @param width columns of the screen; where they are too few, descriptions are cut first, then names, then the rest
     */
    public static String list(List<Experiment> experiments, boolean withParameters, boolean withMetrics, int width) {
        var headers = new ArrayList<>(List.of("ID", "Name", "Date", "Description"));
        var aligns = new ArrayList<>(List.of(Align.RIGHT, Align.LEFT, Align.LEFT, Align.LEFT));
        if (withParameters) {
            headers.add("Parameters");
            aligns.add(Align.LEFT);
        }
        if (withMetrics) {
            headers.add("Metrics");
            aligns.add(Align.LEFT);
        }
        int longest = withParameters || withMetrics ? 20 : 50;
        var rows = experiments.stream()
                .map(experiment -> row(experiment, longest, withParameters, withMetrics))
                .toList();
        return String.join(
                System.lineSeparator(),
                "",
                "List of Experiments:",
                new TextTable(Ruling.GRID, headers, aligns, narrowed(headers, rows, width)).render());
    }

    /** Rows whose cells are cut so that the table is at most {@code width} wide, as far as the columns' headers allow. */
    private static List<List<String>> narrowed(List<String> headers, List<List<String>> rows, int width) {
        var widths = new ArrayList<Integer>();
        for (int column = 0; column < headers.size(); column++) {
            widths.add(TextTable.width(headers, rows, column));
        }
        // a side and two blanks a column, and the last side
        int excess = widths.stream().mapToInt(Integer::intValue).sum() + 3 * headers.size() + 1 - width;
        for (var name : List.of("Description", "Name", "Parameters", "Metrics")) {
            int column = headers.indexOf(name);
            if (column >= 0 && excess > 0) {
                int before = widths.get(column);
                int after = Math.max(TextTable.width(headers, List.of(), column), before - excess);
                widths.set(column, after);
                excess -= before - after;
            }
        }
        return rows.stream()
                .map(row -> IntStream.range(0, row.size())
                        .mapToObj(column -> row.get(column)
                                .lines()
                                .map(line -> shortened(line, widths.get(column)))
                                .collect(Collectors.joining("\n")))
                        .toList())
                .toList();
    }

    private static String shortened(String line, int length) {
        return line.length() <= length ? line : line.substring(0, length - 1) + "…";
    }

    /** compressa-perf's CSV; metric columns in the order they first occur. */
    public static String csv(List<Experiment> experiments) {
        var metricNames = experiments.stream()
                .flatMap(experiment -> experiment.metrics().stream())
                .map(Metric::name)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        var header = new ArrayList<>(List.of("id", "name", "date", "description", "parameters"));
        metricNames.forEach(name -> header.add("M_" + name));
        var lines = new ArrayList<String>();
        lines.add(String.join(",", header));
        for (var experiment : experiments) {
            var byName = experiment.metrics().stream()
                    .collect(Collectors.toMap(Metric::name, Metric::value, (_, last) -> last));
            var cells = new ArrayList<>(List.of(
                    Long.toString(experiment.id()),
                    quoted(experiment.name()),
                    experiment.date(),
                    quoted(text(experiment.description())),
                    quoted(pythonDict(experiment.parameters()))));
            for (var name : metricNames) {
                var value = byName.get(name);
                cells.add(value == null ? "" : formatValue(value, METRIC_DIGITS));
            }
            lines.add(String.join(",", cells));
        }
        return String.join("\n", lines) + "\n";
    }

    /**
     * compressa-perf's format: whole numbers without a point and padded to the number of digits, numbers below 0.01 with
     * an exponent, others with so many decimals; what is no number as it is.
     */
    public static String formatValue(String value, int digits) {
        try {
            return formatValue(Double.parseDouble(value.strip()), digits);
        } catch (NumberFormatException notANumber) {
            return value;
        }
    }

    private static String formatValue(double value, int digits) {
        if (!Double.isFinite(value)) {
            return Double.toString(value);
        }
        if (value == Math.rint(value)) {
            return String.format(Locale.ROOT, "%-" + digits + "s", String.format(Locale.ROOT, "%.0f", value));
        }
        return String.format(Locale.ROOT, (value < 0.01 ? "%." + digits + "e" : "%." + digits + "f"), value);
    }

    /** As tabulate prints it: 2.2063e-03 becomes 0.0022063. */
    private static String withoutExponent(String number) {
        return number.indexOf('e') < 0
                ? number
                : new BigDecimal(number).stripTrailingZeros().toPlainString();
    }

    private static List<String> row(Experiment experiment, int longest, boolean parameters, boolean metrics) {
        var row = new ArrayList<>(List.of(
                Long.toString(experiment.id()),
                experiment.name(),
                experiment.date(),
                cut(text(experiment.description()), longest)));
        if (parameters) {
            row.add(experiment.parameters().stream()
                    .map(p -> p.key() + ": " + cut(formatValue(p.value(), PARAMETER_DIGITS), LONGEST_PARAMETER))
                    .collect(Collectors.joining("\n")));
        }
        if (metrics) {
            row.add(experiment.metrics().stream()
                    .map(m -> m.name() + ": " + formatValue(m.value(), METRIC_DIGITS))
                    .collect(Collectors.joining("\n")));
        }
        return row;
    }

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static String cut(String text, int longest) {
        return text.length() > longest ? text.substring(0, longest) + "..." : text;
    }

    private static String quoted(String text) {
        return text.chars().anyMatch(c -> ",\"\r\n".indexOf(c) >= 0) ? "\"" + text.replace("\"", "\"\"") + "\"" : text;
    }

    private static String pythonDict(List<Parameter> parameters) {
        var last = new LinkedHashMap<String, String>();
        parameters.forEach(p -> last.put(p.key(), formatValue(p.value(), PARAMETER_DIGITS)));
        return last.entrySet().stream()
                .map(entry -> pythonString(entry.getKey()) + ": " + pythonString(entry.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private static String pythonString(String text) {
        var escaped = text.replace("\\", "\\\\").replace("\n", "\\n");
        return text.contains("'") && !text.contains("\"")
                ? "\"" + escaped + "\""
                : "'" + escaped.replace("'", "\\'") + "'";
    }
}
