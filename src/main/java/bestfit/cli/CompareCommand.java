package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.report.ResultComparison;
import bestfit.report.ResultRuns;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit compare}: whether the second of two results is slower than the first; a gate for CI. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        description =
                "Compares two results, ours or another load generator's; exit code 1 if B is slower than A, or more of its requests fail.")
public final class CompareCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "A",
            description = "Result to compare with: bench --json, its events, the JSON of vllm bench serve, guidellm or"
                    + " aiperf, or a database of bestfit or compressa-perf (FILE#ID for one experiment); several runs with commas"
                    + " between, so that what differs from run to run counts.")
    private String before = "";

    @Parameters(index = "1", paramLabel = "B", description = "Result to judge.")
    private String after = "";

    @Option(
            names = "--tolerance",
            paramLabel = "PERCENT",
            description =
                    "What differs by less is called the same, in times and in points of failed requests (default: 2 if each side is"
                            + " one run, else 0.5; of failures 0).")
    private @Nullable Double tolerance;

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Override
    public Integer call() {
        if (tolerance != null && !(tolerance >= 0 && tolerance < 100)) {
            throw new ConfigException("--tolerance: " + tolerance + " is not allowed; it takes percent, 0 to 100.");
        }
        var home = Home.of(System.getenv());
        var problems = new Problems();
        var a = problems.of(() -> ResultRuns.read(before, home));
        var b = problems.of(() -> ResultRuns.read(after, home));
        problems.throwIfAny();
        var comparison = ResultComparison.of(
                a.orElseThrow(),
                b.orElseThrow(),
                tolerance == null ? OptionalDouble.empty() : OptionalDouble.of(tolerance / 100));
        System.out.println(json ? Json.write(comparison.json()) : comparison.text());
        return comparison.regression() ? ExitCode.FAILED : ExitCode.OK;
    }
}
