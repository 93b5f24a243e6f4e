package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.metrics.MeanEstimate.Change;
import bestfit.report.BenchFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit compare}: whether the second of two results is slower than the first; a gate for CI. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        description =
                "Compares two results of bench, or of vllm bench serve --save-result; exit code 1 if B is slower than A.")
public final class CompareCommand implements Callable<Integer> {
    private static final double LEVEL = 0.95;

    @Parameters(
            index = "0",
            paramLabel = "A",
            description = "Result to compare with: bench --json, its events, or vLLM's.")
    private Path before = Path.of("");

    @Parameters(index = "1", paramLabel = "B", description = "Result to judge.")
    private Path after = Path.of("");

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Override
    public Integer call() {
        var a = BenchFile.read(before);
        var b = BenchFile.read(after);
        var shared = new ArrayList<>(a.times().keySet());
        shared.retainAll(b.times().keySet());
        if (a.tool().equals(b.tool()) && a.tool().equals("bestfit")) {
            shared.remove("first_response_ms"); // its own TTFT is the sharper one
        }
        if (shared.isEmpty()) {
            throw new ConfigException(before + " and " + after + " have no metric in common.");
        }
        // so that all intervals hold together (Bonferroni)
        double level = 1 - (1 - LEVEL) / shared.size();
        var changes = new LinkedHashMap<String, Change>();
        for (var name : shared) {
            var first = a.times().get(name);
            var second = b.times().get(name);
            if (first != null && second != null) {
                changes.put(name, first.to(second, level));
            }
        }
        boolean slower = changes.values().stream().anyMatch(change -> change.low() > 0);
        boolean faster = changes.values().stream().anyMatch(change -> change.high() < 0);
        var verdict = slower ? "slower" : faster ? "faster" : "no difference";
        if (json) {
            var result = Json.object().put("verdict", verdict);
            var metrics = result.putObject("metrics");
            changes.forEach((name, change) -> metrics.putObject(name)
                    .put("mean", change.share())
                    .put("low", change.low())
                    .put("high", change.high()));
            System.out.println(Json.write(result));
        } else {
            changes.forEach((name, c) -> System.out.printf(
                    Locale.ROOT,
                    "%-18s %10.2f %10.2f   %+.1f %% (%+.1f … %+.1f)%n",
                    name,
                    mean(a, name),
                    mean(b, name),
                    100 * c.share(),
                    100 * c.low(),
                    100 * c.high()));
            System.out.println("B is "
                    + (verdict.equals("no difference") ? "not told apart from A: no difference" : verdict) + ".");
        }
        return slower ? ExitCode.FAILED : ExitCode.OK;
    }

    private static double mean(BenchFile file, String name) {
        var estimate = file.times().get(name);
        return estimate == null ? Double.NaN : estimate.mean();
    }
}
