package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.hardware.ServerSpec;
import bestfit.perf.Cases;
import bestfit.perf.Constants;
import bestfit.perf.EngineVersion;
import bestfit.perf.MeasuredHere;
import bestfit.perf.Score;
import bestfit.report.AccuracyReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code plan --cases} and {@code plan --score}: predictions of a table, and how good they were. */
final class PlanTables {
    private PlanTables() {}

    static int predict(Path in, Path out) {
        var result = Cases.predict(in.toString(), read(in), Constants.shipped());
        try {
            Files.write(out, result.lines());
        } catch (IOException e) {
            throw new ConfigException("--out " + out + ": cannot be written: " + e.getMessage());
        }
        result.problems().forEach(System.err::println);
        System.err.println((result.lines().size() - 1) + " rows, "
                + result.problems().size() + " of them wrong; written to " + out);
        return ExitCode.OK;
    }

    /** @param model for a table of steps that does not name it; empty if not told */
    static int learn(Path from, Path home, ServerSpec server, EngineVersion release, String model) {
        var file = MeasuredHere.file(home, server);
        var added = MeasuredHere.learn(file, server, release, model, from);
        System.err.println(added + " added to what is known of " + server + " in " + file.getParent());
        return ExitCode.OK;
    }

    /** Replaces what stands between these lines of the Markdown file; plots go into a folder named as the file is. */
    private static final String BEGIN = "<!-- written by bench/accuracy: begin -->";

    private static final String END = "<!-- written by bench/accuracy: end -->";

    /** @param tables files that {@code --cases} wrote, or folders of them */
    static int markdown(List<Path> tables, Path page) {
        var rows = new LinkedHashMap<String, List<Map<String, String>>>();
        for (var file : files(tables)) {
            rows.put(String.valueOf(file.getFileName()).replace(".csv", ""), Cases.read(file.toString(), read(file)));
        }
        try {
            var text = Files.exists(page) ? Files.readString(page) : BEGIN + "\n" + END + "\n";
            int from = text.indexOf(BEGIN);
            int to = text.indexOf(END);
            if (from < 0 || to < from) {
                throw new ConfigException("--markdown " + page + ": it has no lines \"" + BEGIN + "\" and \"" + END
                        + "\"; what stands between them is replaced");
            }
            var name = String.valueOf(page.getFileName()).replace(".md", "");
            var folder = page.resolveSibling(name);
            Files.createDirectories(folder);
            var lines = new ArrayList<>(AccuracyReport.markdown(rows));
            lines.add("");
            for (var plot : AccuracyReport.plots(rows).entrySet()) {
                Files.writeString(folder.resolve(plot.getKey()), plot.getValue());
                lines.add("![" + plot.getKey().replace(".svg", "") + ", predicted against measured](" + name + "/"
                        + plot.getKey() + ")");
            }
            Files.writeString(
                    page,
                    text.substring(0, from) + BEGIN + "\n" + String.join("\n", lines) + "\n" + text.substring(to));
        } catch (IOException e) {
            throw new ConfigException("--markdown " + page + ": cannot be written: " + e.getMessage());
        }
        System.err.println("written: " + page);
        return ExitCode.OK;
    }

    private static List<Path> files(List<Path> tables) {
        var files = new ArrayList<Path>();
        for (var table : tables) {
            if (!Files.isDirectory(table)) {
                files.add(table);
                continue;
            }
            try (var inside = Files.list(table)) {
                inside.filter(file -> file.toString().endsWith(".csv")).sorted().forEach(files::add);
            } catch (IOException e) {
                throw new ConfigException("--score " + table + ": cannot be read: " + e.getMessage());
            }
        }
        return files;
    }

    static int score(List<Path> tables, boolean asJson) {
        var table = tables.getFirst();
        var rows = files(tables).stream()
                .flatMap(file -> Cases.read(file.toString(), read(file)).stream())
                .toList();
        var errors = Score.errors(rows);
        if (errors.isEmpty()) {
            throw new ConfigException("--score " + table + ": no row has both a measured and a predicted value; "
                    + "write predictions first with plan --cases " + table + " --out FILE");
        }
        if (asJson) {
            System.out.println(json(rows, errors));
        } else {
            errors.forEach((name, each) -> System.out.printf(
                    Locale.ROOT,
                    "%-13s %4d rows  error median %5.1f %%  P90 %5.1f %%  coverage %3.0f %%%n",
                    name,
                    each.rows(),
                    100 * each.medianError(),
                    100 * each.p90Error(),
                    100 * each.coverage()));
            for (var rule : Score.Rule.values()) {
                var choice = Score.choice(rows, rule);
                System.out.printf(
                        Locale.ROOT,
                        "choosing by %-12s %3d groups  loses median %.1f %%  worst %.1f %%%n",
                        rule.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                        choice.groups(),
                        100 * choice.median(),
                        100 * choice.worst());
            }
        }
        return ExitCode.OK;
    }

    private static String json(List<Map<String, String>> rows, Map<String, Score.Errors> errors) {
        var json = Json.object();
        var columns = json.putObject("errors");
        errors.forEach((name, each) -> columns.putObject(name)
                .put("rows", each.rows())
                .put("median_error", each.medianError())
                .put("p90_error", each.p90Error())
                .put("median_ratio", each.medianRatio())
                .put("coverage", each.coverage()));
        var ranking = json.putObject("ranking");
        for (var rule : Score.Rule.values()) {
            var choice = Score.choice(rows, rule);
            ranking.putObject(rule.name().toLowerCase(Locale.ROOT))
                    .put("groups", choice.groups())
                    .put("median_loss", choice.median())
                    .put("worst_loss", choice.worst());
        }
        return Json.write(json);
    }

    private static String read(Path file) {
        try {
            // A byte that is no UTF-8, as older spreadsheets write, is a matter of its cell.
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ConfigException(
                    file + ": cannot be read; a CSV file with the header of the measured tables is expected");
        }
    }
}
