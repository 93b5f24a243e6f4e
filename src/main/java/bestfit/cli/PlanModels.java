package bestfit.cli;

import bestfit.args.ArgsText;
import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.perf.Constants;
import bestfit.perf.EngineVersion;
import bestfit.perf.Load;
import bestfit.perf.MemoryModel;
import bestfit.perf.Plan;
import bestfit.report.Wrapped;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code plan --models}: which models of a list fit a server under their mandatory args, and for which context. */
final class PlanModels {
    private PlanModels() {}

    static int print(Path file, ServerSpec server, String engineVersion, boolean asJson) {
        var json = Json.object();
        var list = json.putArray("models");
        for (var name : names(file)) {
            try {
                var known = KnownModels.find(name);
                var query = new Plan.Query(
                        known.card(),
                        server,
                        EngineVersion.told(engineVersion),
                        ArgsText.read("mandatory args of " + name, known.mandatoryArgs()),
                        new Load(64, 64, 1, 0, 10));
                var best = Plan.of(query, Constants.shipped()).rows().getFirst();
                int longest = best.prediction()
                        .map(each -> each.memory().longestThatFits())
                        .orElse(0);
                list.addObject()
                        .put("model", name)
                        .put("args", known.mandatoryArgs())
                        .put("fits", best.verdict().label())
                        .put("layout", best.layout().toString())
                        .put("longest_context", longest)
                        .put("reason", best.reason());
                if (!asJson) {
                    var line = "%-48s %-5s %-14s %s"
                            .formatted(
                                    name,
                                    best.verdict().label(),
                                    best.layout(),
                                    best.verdict() == MemoryModel.Verdict.YES
                                            ? longest + " tokens of context"
                                            : best.reason());
                    Wrapped.lines(line, "  ").forEach(System.out::println);
                }
            } catch (ConfigException e) {
                list.addObject().put("model", name).put("fits", "unknown").put("reason", e.getMessage());
                System.err.println(e.getMessage());
            }
        }
        if (asJson) {
            System.out.println(Json.write(json));
        }
        return ExitCode.OK;
    }

    private static List<String> names(Path file) {
        try {
            return Files.readAllLines(file).stream()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new ConfigException(
                    "--models " + file + ": cannot be read; a file with one model a line is expected");
        }
    }
}
