package bestfit.report;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.metrics.MeanEstimate;
import bestfit.metrics.Proportion;
import bestfit.metrics.RunMeans;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * One side of a comparison: the results of one or several runs of one server.
 *
 * @param runs that its figures are of; at least one, all of one tool
 * @param leftOut a further run whose times are not compared, since they are out of line with all others
 */
public record ResultRuns(List<ResultFile> runs, Optional<LeftOut> leftOut) {
    /** @param figure in which it is most out of line */
    record LeftOut(ResultFile run, String figure, RunMeans.Odd odd) {}

    public ResultRuns {
        runs = List.copyOf(runs);
    }

    /**
     * @param names as {@link ResultFile#read} takes them, with commas between
     * @param home where SQLite's native library is unpacked
     * @throws ConfigException if one is no result, of another tool than the first, or there twice
     */
    public static ResultRuns read(String names, Path home) {
        if (names.indexOf(',') < 0 || Files.exists(Path.of(names))) {
            return new ResultRuns(List.of(ResultFile.read(names, home)), Optional.empty());
        }
        var problems = new Problems();
        var runs = new ArrayList<ResultFile>();
        for (var name : names.split(",", -1)) {
            if (name.isBlank()) {
                problems.add(names + ": a name is missing beside a comma.");
            } else {
                problems.of(() -> ResultFile.read(name, home)).ifPresent(runs::add);
            }
        }
        var seen = new HashSet<String>();
        for (var run : runs) {
            if (!seen.add(run.source())) {
                problems.add(
                        names + ": " + run.source() + " is there twice; a run that counts twice makes nothing surer.");
            }
        }
        var tools = runs.stream().map(run -> run.tool().label()).distinct().toList();
        if (tools.size() > 1) {
            problems.add(names + ": the runs are of different tools: " + tools + "; give those of one on each side.");
        }
        problems.throwIfAny();
        return new ResultRuns(runs, Optional.empty());
    }

    /** All that were given. */
    private Stream<ResultFile> all() {
        return Stream.concat(runs.stream(), leftOut.map(LeftOut::run).stream());
    }

    int count() {
        return (int) all().count();
    }

    String source() {
        var first = runs.getFirst().source();
        return count() == 1 ? first : count() + " runs, " + first + " …";
    }

    ResultFile.Tool tool() {
        return runs.getFirst().tool();
    }

    Proportion failures() {
        return all().map(ResultFile::failures).reduce(Proportion.UNKNOWN, Proportion::and);
    }

    /** Why its tool calls runs INVALID, of several with which. */
    List<String> invalid() {
        return all().flatMap(run ->
                        run.invalid().stream().map(reason -> count() == 1 ? reason : run.source() + ": " + reason))
                .toList();
    }

    /** Each figure of those runs that have it: one in which all requests failed has no times. */
    SequencedMap<String, RunMeans> means() {
        var estimates = new LinkedHashMap<String, List<MeanEstimate>>();
        runs.forEach(run -> run.figures()
                .forEach((name, figure) ->
                        estimates.computeIfAbsent(name, _ -> new ArrayList<>()).add(figure.estimate())));
        var means = new LinkedHashMap<String, RunMeans>();
        estimates.forEach((name, each) -> means.put(name, new RunMeans(each)));
        return means;
    }

    private List<ResultFile> having(String figure) {
        return runs.stream().filter(run -> run.figures().containsKey(figure)).toList();
    }

    /** Without the run that is most out of line in a figure that both sides have, if one is. */
    ResultRuns withoutOdd(ResultRuns other) {
        var odd = new ArrayList<LeftOut>();
        var others = other.means();
        means().forEach((name, means) -> {
            var its = others.get(name);
            if (its != null) {
                means.odd(its)
                        .ifPresent(each -> odd.add(new LeftOut(having(name).get(each.run()), name, each)));
            }
        });
        return odd.stream()
                .max(Comparator.comparingDouble(each -> each.odd.times()))
                .map(out -> {
                    var kept = new ArrayList<>(runs);
                    kept.remove(out.run);
                    return new ResultRuns(kept, Optional.of(out));
                })
                .orElse(this);
    }
}
