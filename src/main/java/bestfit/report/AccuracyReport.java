package bestfit.report;

import bestfit.perf.Score;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Tables of predictions against measurements as Markdown, and as plots of one against the other. Pure. */
public final class AccuracyReport {
    private static final Map<String, String> FIGURES =
            Map.of("ttft_ms_mean", "TTFT ms", "tpot_ms_mean", "TPOT ms", "output_tok_s", "output tokens/s");
    private static final List<String> COLORS =
            List.of("#1b6ca8", "#d1495b", "#2e933c", "#8f5fb0", "#e08e1b", "#5c5c5c", "#00a0a0", "#7a4b2a");

    private AccuracyReport() {}

    /**
     * One line a table and figure, and one a figure over all of their rows; then the same by basis, with all figures of a basis
     * together; then what choosing by them loses.
     */
    public static List<String> markdown(Map<String, List<Map<String, String>>> tables) {
        var lines = new ArrayList<String>();
        lines.add(
                "| table | figure | rows | error: median | P90 | median of predicted / measured | inside the 90 % interval |");
        lines.add("|---|---|---|---|---|---|---|");
        tables.forEach((name, rows) -> errors(name, rows, lines));
        var all = tables.values().stream().flatMap(List::stream).toList();
        errors("all tables", all, lines);
        together("all tables", "TPOT and tokens/s", all, List.of("tpot_ms_mean", "output_tok_s"), lines);
        lines.add("");
        lines.add(
                "| basis, all tables | figure | rows | error: median | P90 | median of predicted / measured | inside |");
        lines.add("|---|---|---|---|---|---|---|");
        var byBasis = new TreeMap<String, List<Map<String, String>>>();
        tables.values()
                .forEach(rows -> rows.forEach(
                        row -> byBasis.computeIfAbsent(row.getOrDefault("basis", ""), _ -> new ArrayList<>())
                                .add(row)));
        byBasis.remove("");
        byBasis.forEach((basis, rows) -> {
            errors(basis, rows, lines);
            together(basis, "all together", rows, List.copyOf(FIGURES.keySet()), lines);
        });
        lines.add("");
        lines.add("| choosing a layout | groups | by prediction loses: median, worst | smallest TP | largest TP |");
        lines.add("|---|---|---|---|---|");
        tables.forEach((name, rows) -> choices(name, rows, lines));
        return lines;
    }

    private static void errors(String name, List<Map<String, String>> rows, List<String> lines) {
        Score.errors(rows).forEach((figure, each) -> {
            if (FIGURES.containsKey(figure)) {
                lines.add(
                        line(name, FIGURES.get(figure), each, String.format(Locale.ROOT, "%.2f", each.medianRatio())));
            }
        });
    }

    /** A time that is too long is a rate that is too low, so that several figures have no ratio together. */
    private static void together(
            String name, String title, List<Map<String, String>> rows, List<String> figures, List<String> lines) {
        Score.errors(rows, figures).ifPresent(each -> lines.add(line(name, title, each, "")));
    }

    private static String line(String name, String figure, Score.Errors of, String ratio) {
        return String.format(
                Locale.ROOT,
                "| %s | %s | %d | %.1f %% | %.0f %% | %s | %.0f %% |",
                name,
                figure,
                of.rows(),
                100 * of.medianError(),
                100 * of.p90Error(),
                ratio,
                100 * of.coverage());
    }

    private static void choices(String name, List<Map<String, String>> rows, List<String> lines) {
        var cells = new ArrayList<String>();
        for (var rule : Score.Rule.values()) {
            var choice = Score.choice(rows, rule);
            if (choice.groups() == 0) {
                return;
            }
            cells.add(cells.isEmpty() ? Integer.toString(choice.groups()) : "");
            cells.removeIf(String::isEmpty);
            cells.add(String.format(Locale.ROOT, "%.1f %%, %.1f %%", 100 * choice.median(), 100 * choice.worst()));
        }
        lines.add("| " + name + " | " + String.join(" | ", cells) + " |");
    }

    /** By file name: predicted against measured on logarithmic axes, a colour a table, dashed lines 30 % off. */
    public static Map<String, String> plots(Map<String, List<Map<String, String>>> tables) {
        var plots = new LinkedHashMap<String, String>();
        for (var figure : FIGURES.keySet().stream().sorted().toList()) {
            boolean any = tables.values().stream()
                    .flatMap(List::stream)
                    .anyMatch(row -> number(row, figure) > 0 && number(row, "pred_" + figure) > 0);
            if (any) {
                plots.put(figure + ".svg", plot(figure, tables));
            }
        }
        return plots;
    }

    private record Axis(double low, double high) {
        static final int SIZE = 420;
        static final int LEFT = 60;

        double place(double value) {
            return SIZE * (Math.log10(value) - low) / (high - low);
        }

        double x(double value) {
            return LEFT + place(value);
        }

        double y(double value) {
            return LEFT / 2.0 + SIZE - place(value);
        }
    }

    private static String plot(String figure, Map<String, List<Map<String, String>>> tables) {
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        for (var rows : tables.values()) {
            for (var row : rows) {
                for (var name : List.of(figure, "pred_" + figure)) {
                    double value = number(row, name);
                    if (value > 0 && number(row, figure) > 0 && number(row, "pred_" + figure) > 0) {
                        least = Math.min(least, value);
                        most = Math.max(most, value);
                    }
                }
            }
        }
        var axis = new Axis(Math.floor(Math.log10(Math.min(least, 1e9))), Math.ceil(Math.log10(Math.max(most, 1e-9))));
        var svg = new StringBuilder("""
                <svg xmlns="http://www.w3.org/2000/svg" width="760" height="520" font-family="sans-serif" font-size="12">
                <rect width="760" height="520" fill="white"/>
                """);
        for (double power = axis.low(); power <= axis.high(); power++) {
            double value = Math.pow(10, power);
            line(
                    svg,
                    axis.x(value),
                    axis.y(Math.pow(10, axis.low())),
                    axis.x(value),
                    axis.y(Math.pow(10, axis.high())),
                    "#ddd",
                    "");
            line(
                    svg,
                    axis.x(Math.pow(10, axis.low())),
                    axis.y(value),
                    axis.x(Math.pow(10, axis.high())),
                    axis.y(value),
                    "#ddd",
                    "");
            text(svg, axis.x(value) - 10, axis.y(Math.pow(10, axis.low())) + 18, plain(value));
            text(svg, 6, axis.y(value) + 4, plain(value));
        }
        for (double off : new double[] {1, 1.3, 1 / 1.3}) {
            double from = Math.pow(10, axis.low());
            double to = Math.pow(10, axis.high());
            double start = Math.max(from, from / off);
            double end = Math.min(to, to / off);
            line(
                    svg,
                    axis.x(start),
                    axis.y(start * off),
                    axis.x(end),
                    axis.y(end * off),
                    "#888",
                    off == 1 ? "" : "4 4");
        }
        int place = 0;
        for (var table : tables.entrySet()) {
            var color = COLORS.get(place % COLORS.size());
            int drawn = dots(svg, axis, figure, table.getValue(), color);
            if (drawn > 0) {
                svg.append(String.format(
                        Locale.ROOT, "<circle cx=\"500\" cy=\"%d\" r=\"4\" fill=\"%s\"/>%n", 50 + 18 * place, color));
                text(svg, 510, 54 + 18 * place, table.getKey() + " (" + drawn + ")");
                place++;
            }
        }
        text(svg, 200, 492, FIGURES.get(figure) + ", measured; upwards: predicted");
        return svg.append("</svg>\n").toString();
    }

    private static int dots(StringBuilder svg, Axis axis, String figure, List<Map<String, String>> rows, String color) {
        int drawn = 0;
        for (var row : rows) {
            double measured = number(row, figure);
            double predicted = number(row, "pred_" + figure);
            if (measured > 0 && predicted > 0) {
                svg.append(String.format(
                        Locale.ROOT,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\" fill-opacity=\"0.5\"/>%n",
                        axis.x(measured),
                        axis.y(predicted),
                        color));
                drawn++;
            }
        }
        return drawn;
    }

    private static void line(StringBuilder svg, double x1, double y1, double x2, double y2, String color, String dash) {
        svg.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-dasharray=\"%s\"/>%n",
                x1,
                y1,
                x2,
                y2,
                color,
                dash));
    }

    private static void text(StringBuilder svg, double x, double y, String text) {
        svg.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\">%s</text>%n", x, y, text));
    }

    private static String plain(double value) {
        return value >= 1 ? String.format(Locale.ROOT, "%,.0f", value) : Double.toString(value);
    }

    private static double number(Map<String, String> row, String name) {
        var text = row.getOrDefault(name, "");
        return text.isEmpty() || !text.matches("[0-9.eE+-]+") ? 0 : Double.parseDouble(text);
    }
}
