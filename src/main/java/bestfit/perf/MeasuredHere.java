package bestfit.perf;

import bestfit.config.ConfigException;
import bestfit.hardware.ServerSpec;
import bestfit.model.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was measured on a server, kept under BESTFIT_HOME as one table a server with the header of the measured tables, and
 * the constants that it teaches for a model and a release of vLLM. Not for several writers at once.
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
        try {
            var before = Files.exists(file) ? Files.readAllLines(file) : List.of(Csv.write(HEADER));
            lines.removeAll(before);
            Files.createDirectories(Optional.ofNullable(file.getParent()).orElse(Path.of(".")));
            if (!Files.exists(file)) {
                Files.write(file, before);
            }
            Files.write(file, lines, StandardOpenOption.APPEND);
            return lines.size();
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be written: " + e.getMessage());
        }
    }

    /** The shipped constants moved by what this server's table says of the model under this release. */
    public static Knowledge of(Path file, ServerSpec server, ModelCard card, EngineVersion version) {
        if (!Files.isReadable(file)) {
            return Knowledge.shipped();
        }
        var observations = new ArrayList<Calibration.Observation>();
        try {
            for (var row : Cases.read(file.toString(), Files.readString(file))) {
                var config = Case.of(row);
                boolean same = config.instance().card().name().equals(card.name())
                        && config.instance().gpu().name().equals(server.gpu().name())
                        && config.instance().settings().version().minor() == version.minor();
                var measured = measured(row);
                if (same && !measured.isEmpty()) {
                    observations.add(new Calibration.Observation(config, measured));
                }
            }
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        }
        if (observations.isEmpty()) {
            return Knowledge.shipped();
        }
        var fitted = Calibration.fit(observations, Constants.shipped());
        return new Knowledge(fitted.constants(), Optional.of(Prediction.Basis.MEASURED_HERE), fitted.residual());
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
