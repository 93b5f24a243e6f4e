package bestfit.perf;

import bestfit.config.ConfigException;
import bestfit.config.Unreadable;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.ModelCard;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was measured on a server, kept under BESTFIT_HOME as tables of loads (with the header of the measured tables), of
 * recorded steps and of starts, and the constants that they teach for a model and a release of vLLM. Not for several threads at once.
 */
public final class MeasuredHere {
    private static final List<String> HEADER = List.of(
            "model",
            "quant",
            "gpu",
            "gpu_count",
            "interconnect",
            "tp",
            "pp",
            "ep",
            "dp",
            "engine",
            "engine_version",
            "input_len",
            "output_len",
            "concurrency",
            "request_rate",
            "num_requests",
            "ttft_ms_mean",
            "tpot_ms_mean",
            "output_tok_s",
            "notes");

    private static final List<String> FIGURES = List.of("ttft_ms_mean", "tpot_ms_mean", "output_tok_s");

    private static final String STEPS = ".steps.csv";
    private static final String STARTS = ".starts.csv";

    private MeasuredHere() {}

    /**
     * What a prediction rests on.
     *
     * @param basis empty where nothing was measured on this server
     * @param residual see {@link Calibration.Fitted}; 0 where nothing was measured
     */
    public record Knowledge(Constants constants, Optional<Prediction.Basis> basis, double residual) {
        public static Knowledge shipped() {
            return new Knowledge(Constants.shipped(), Optional.empty(), 0);
        }
    }

    public static Path file(Path home, ServerSpec server) {
        return home.resolve("measured").resolve(server + ".csv");
    }

    /**
     * Adds the rows of a table; one already there is not added again.
     *
     * @return how many were new
     * @throws ConfigException naming the first row that cannot be used, nothing added then
     */
    public static int add(Path file, String where, String text) {
        var lines = new ArrayList<String>();
        int number = 1;
        for (var row : Cases.read(where, text)) {
            number++;
            try {
                Case.of(row);
            } catch (ConfigException e) {
                throw new ConfigException(where + ", line " + number + ": " + e.getMessage());
            }
            lines.add(Csv.write(
                    HEADER.stream().map(name -> row.getOrDefault(name, "")).toList()));
        }
        return append(file, HEADER, lines);
    }

    /**
     * Adds what a file says of a server: a table of measurements, a table of single steps, or vLLM's log of its start or a table
     * of starts.
     *
     * @param release of vLLM, where the file does not name it
     * @param model where the file does not name it, or as a path that is not here; may be empty
     * @return what was added, in words
     * @throws ConfigException for a file that is none of these, or with a row that cannot be used; nothing is added then
     */
    public static String learn(Path file, ServerSpec server, EngineVersion release, String model, Path from) {
        var where = from.toString();
        var text = Gzip.text(from);
        var header = Csv.parse(text.lines().findFirst().orElse(""));
        if (StepTable.is(header)) {
            if (model.isEmpty() && !header.contains("model")) {
                throw new ConfigException(where + ": a table of steps that does not name its model; add --model");
            }
            var lines = StepTable.lines(text, model, "", release);
            StepTable.windows(Csv.rows(table(StepTable.COLUMNS, lines)), server);
            return append(beside(file, STEPS), StepTable.COLUMNS, lines) + " steps and sums of steps";
        }
        boolean starts = header.containsAll(List.of("model", "args", "kv_cache_tokens"));
        if (starts) {
            return addStarts(file, server, startRows(text, release)) + " starts";
        }
        if (StartLog.is(text)) {
            return addStarts(file, server, release, model, where, text) + " starts";
        }
        if (!header.contains("model") || !header.contains("gpu")) {
            throw new ConfigException(where
                    + ": teaches nothing; what does is a table of measurements (model, gpu, tp, input_len, "
                    + "output_len, …), a table of single steps (" + String.join(", ", StepTable.COLUMNS.subList(4, 9))
                    + "), a table of starts (" + String.join(", ", StartLog.COLUMNS)
                    + "), or vLLM's log of its start, down to its line \"GPU KV cache size\"");
        }
        return add(file, where, text) + " rows";
    }

    /**
     * Adds what the log of an engine tells of its start; nothing where the lines of its start are not, or no longer, in it.
     *
     * @param model as for {@link #learn}
     * @return how many starts were new
     * @throws ConfigException for a model that is not known
     */
    public static int addStarts(
            Path file, ServerSpec server, EngineVersion release, String model, String where, String log) {
        return addStarts(file, server, StartLog.lines(where, log, model, release));
    }

    private static int addStarts(Path file, ServerSpec server, List<String> lines) {
        Csv.rows(table(StartLog.COLUMNS, lines)).forEach(row -> StartLog.start(row, server));
        return append(beside(file, STARTS), StartLog.COLUMNS, lines);
    }

    private static List<String> startRows(String text, EngineVersion release) {
        return Csv.rows(text).stream()
                .map(row -> {
                    row.putIfAbsent("engine_version", release.number());
                    return Csv.write(StartLog.COLUMNS.stream()
                            .map(name -> row.getOrDefault(name, ""))
                            .toList());
                })
                .toList();
    }

    private static String table(List<String> header, List<String> lines) {
        return Csv.write(header) + "\n" + String.join("\n", lines);
    }

    private static Path beside(Path file, String kind) {
        return file.resolveSibling(String.valueOf(file.getFileName()).replace(".csv", "") + kind);
    }

    /** Whole or not at all, whatever ends this process; one writer at a time. */
    private static int append(Path file, List<String> header, List<String> added) {
        try {
            var folder = Optional.ofNullable(file.toAbsolutePath().getParent()).orElseThrow();
            Files.createDirectories(folder);
            try (var channel = FileChannel.open(
                            folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var lock = channel.lock()) {
                var lines = new ArrayList<>(Files.exists(file) ? Files.readAllLines(file) : List.of(Csv.write(header)));
                var unknown = new ArrayList<>(added);
                unknown.removeAll(lines);
                lines.addAll(unknown);
                if (lock.isValid() && !unknown.isEmpty()) {
                    var whole = Files.write(folder.resolve(file.getFileName() + ".new"), lines);
                    Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
                }
                return unknown.size();
            }
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be written: " + Unreadable.why(file, e));
        }
    }

    /** The shipped constants moved by what is known of this server, of the model under this release. */
    public static Knowledge of(Path file, ServerSpec server, ModelCard card, EngineVersion version) {
        return of(file, server, card, version, Constants.shipped());
    }

    /** The same, other constants moved. */
    static Knowledge of(Path file, ServerSpec server, ModelCard card, EngineVersion version, Constants prior) {
        var evidence = new Calibration.Evidence(
                loads(file, server, card, version),
                StepTable.windows(rows(beside(file, STEPS), card), server).stream()
                        .filter(each -> same(each.on(), server, card, version))
                        .toList(),
                // What a start takes beside weights is the server's and the release's, whatever the model.
                rows(beside(file, STARTS), card).stream()
                        .map(row -> StartLog.start(row, server))
                        .filter(each -> each.on().settings().version().minor() == version.minor())
                        .toList());
        if (!evidence.times() && evidence.starts().isEmpty()) {
            return new Knowledge(prior, Optional.empty(), 0);
        }
        var fitted = Calibration.fit(evidence, prior);
        return evidence.times()
                ? new Knowledge(fitted.constants(), Optional.of(Prediction.Basis.MEASURED_HERE), fitted.residual())
                : new Knowledge(fitted.constants(), Optional.empty(), 0);
    }

    private static boolean same(Instance on, ServerSpec server, ModelCard card, EngineVersion version) {
        return shortName(on.card()).equalsIgnoreCase(shortName(card))
                && on.gpu().name().equals(server.gpu().name())
                && on.settings().version().minor() == version.minor();
    }

    /** Tables name a model without its organisation, and a folder by where it lies. */
    private static String shortName(ModelCard card) {
        return shortName(card.name());
    }

    private static String shortName(String of) {
        var name = of.replaceAll("/+$", "");
        return name.substring(name.lastIndexOf('/') + 1);
    }

    /** Without those of models that cannot be found any more, unless it is the asked one by its name. */
    private static List<Map<String, String>> rows(Path file, ModelCard asked) {
        return rows(file).stream().filter(row -> found(row, asked)).toList();
    }

    private static boolean found(Map<String, String> row, ModelCard asked) {
        var name = row.getOrDefault("model", "");
        try {
            return KnownModels.find(name).card().layers() > 0;
        } catch (ConfigException gone) {
            boolean same = shortName(name).equalsIgnoreCase(shortName(asked));
            if (same) {
                row.put("model", asked.name());
            }
            return same;
        }
    }

    private static List<Map<String, String>> rows(Path file) {
        try {
            return Files.isReadable(file) ? Csv.rows(Files.readString(file)) : List.of();
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        }
    }

    private static List<Calibration.Observation> loads(
            Path file, ServerSpec server, ModelCard card, EngineVersion version) {
        var observations = new ArrayList<Calibration.Observation>();
        for (var row : rows(file, card)) {
            var config = Case.of(row);
            var measured = measured(row);
            if (same(config.instance(), server, card, version) && !measured.isEmpty()) {
                observations.add(new Calibration.Observation(config, measured));
            }
        }
        return observations;
    }

    private static Map<String, Double> measured(Map<String, String> row) {
        var measured = new LinkedHashMap<String, Double>();
        for (var name : FIGURES) {
            var cell = row.getOrDefault(name, "");
            if (!cell.isEmpty()) {
                measured.put(name, Double.parseDouble(cell));
            }
        }
        return measured;
    }
}
