package bestfit.perf;

import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Predicts every row of a table with the header of the measured tables. */
public final class Cases {
    /** The columns that get {@code pred_X}, {@code pred_X_low}, {@code pred_X_high}. */
    public static final List<String> PREDICTED = List.of(
            "ttft_ms_mean", "tpot_ms_mean", "itl_ms_mean", "e2e_ms_mean", "output_tok_s", "total_tok_s", "req_s");

    private static final List<String> NEEDED = List.of("model", "gpu", "input_len", "output_len");

    private Cases() {}

    /**
     * The table with its predictions.
     *
     * @param problems one line for each row that could not be used
     */
    public record Result(List<String> lines, List<String> problems) {}

    /** Rows of a table by column name. @throws ConfigException without a header that names what is needed */
    public static List<Map<String, String>> read(String where, String given) {
        var text = withoutMark(given);
        var lines = text.lines().filter(line -> !line.isBlank()).toList();
        if (lines.isEmpty()) {
            throw new ConfigException(where + ": empty; a header with " + String.join(", ", NEEDED) + " is needed");
        }
        var header = Csv.parse(lines.getFirst());
        var missing = NEEDED.stream().filter(name -> !header.contains(name)).toList();
        if (!missing.isEmpty()) {
            throw new ConfigException(where + ", line 1: the header lacks " + String.join(", ", missing));
        }
        return Csv.rows(text);
    }

    public static Result predict(String where, String given, Constants constants) {
        var text = withoutMark(given);
        var rows = read(where, text);
        var lines = new ArrayList<String>();
        var problems = new ArrayList<String>();
        var header = new ArrayList<>(Csv.parse(text.lines().findFirst().orElse("")));
        for (var name : PREDICTED) {
            header.addAll(List.of("pred_" + name, "pred_" + name + "_low", "pred_" + name + "_high"));
        }
        header.addAll(List.of("status", "basis", "reason"));
        lines.add(Csv.write(header));
        for (int i = 0; i < rows.size(); i++) {
            var cells = new ArrayList<>(rows.get(i).values());
            try {
                var prediction = Prediction.of(Case.of(rows.get(i)), constants);
                addFigures(cells, prediction.figures());
                cells.add(
                        switch (prediction.memory().verdict()) {
                            case YES -> "fits";
                            case CLOSE -> "close";
                            case NO -> "does-not-fit";
                        });
                cells.addAll(
                        List.of(prediction.basis().label(), prediction.memory().reason()));
            } catch (ConfigException e) {
                addFigures(cells, Map.of());
                var reason = String.join("; ", e.problems());
                cells.addAll(List.of("unsupported", "", reason));
                problems.add(where + ", line " + (i + 2) + ": " + reason);
            }
            lines.add(Csv.write(cells));
        }
        return new Result(lines, problems);
    }

    /** Spreadsheets begin UTF-8 with a byte order mark. */
    private static String withoutMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static void addFigures(List<String> cells, Map<String, Estimate> figures) {
        for (var name : PREDICTED) {
            var figure = figures.get(name);
            if (figure == null) {
                cells.addAll(List.of("", "", ""));
            } else {
                for (double value : new double[] {figure.value(), figure.low(), figure.high()}) {
                    cells.add(String.format(Locale.ROOT, "%.4f", value));
                }
            }
        }
    }
}
