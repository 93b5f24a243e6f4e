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

    private static final List<String> OURS = List.of("status", "basis", "reason");

    private Cases() {}

    /**
     * The table with its predictions.
     *
     * @param problems one line for each row that could not be used
     */
    public record Result(List<String> lines, List<String> problems) {}

    /** Rows of a table by column name. @throws ConfigException without a header that names what is needed */
    public static List<Map<String, String>> read(String where, String given) {
        var records = records(where, given);
        var header = header(records);
        return records.stream().skip(1).map(each -> each.by(header)).toList();
    }

    private static List<Csv.Cells> records(String where, String given) {
        var records = Csv.records(withoutMark(given));
        if (records.isEmpty()) {
            throw new ConfigException(where + ": empty; a header with " + String.join(", ", NEEDED) + " is needed");
        }
        var header = header(records);
        var missing = NEEDED.stream().filter(name -> !header.contains(name)).toList();
        if (!missing.isEmpty()) {
            throw new ConfigException(
                    where + ", line " + records.getFirst().line() + ": the header lacks " + String.join(", ", missing));
        }
        return records;
    }

    private static List<String> header(List<Csv.Cells> records) {
        return records.getFirst().cells().stream().map(String::strip).toList();
    }

    public static Result predict(String where, String given, Constants constants) {
        var records = records(where, given);
        var columns = header(records);
        var lines = new ArrayList<String>();
        var problems = new ArrayList<String>();
        // Of a table that was predicted before, the predictions are made anew.
        var kept = columns.stream().distinct().filter(name -> !ours(name)).toList();
        var header = new ArrayList<>(kept);
        for (var name : PREDICTED) {
            header.addAll(List.of("pred_" + name, "pred_" + name + "_low", "pred_" + name + "_high"));
        }
        header.addAll(OURS);
        lines.add(Csv.write(header));
        for (var each : records.subList(1, records.size())) {
            var row = each.by(columns);
            var cells = new ArrayList<>(
                    kept.stream().map(name -> row.getOrDefault(name, "")).toList());
            try {
                var prediction = Prediction.of(Case.of(row), constants);
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
                problems.add(where + ", line " + each.line() + ": " + reason);
            }
            lines.add(Csv.write(cells));
        }
        return new Result(lines, problems);
    }

    private static boolean ours(String column) {
        return OURS.contains(column)
                || PREDICTED.stream().anyMatch(name -> column.matches("pred_" + name + "(_low|_high)?"));
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
