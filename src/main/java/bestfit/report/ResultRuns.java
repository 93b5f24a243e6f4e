package bestfit.report;

import bestfit.config.ConfigException;
import bestfit.metrics.Proportion;
import bestfit.metrics.RunMeans;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
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
     * @throws ConfigException if one is no result, or of another tool than the first
     */
    public static ResultRuns read(String names, Path home) {
        if (names.indexOf(',') < 0 || Files.exists(Path.of(names))) {
            return new ResultRuns(List.of(ResultFile.read(names, home)), Optional.empty());
        }
        var runs = Arrays.stream(names.split(",", -1))
                .map(name -> ResultFile.read(name, home))
                .toList();
        var tools = runs.stream().map(run -> run.tool().label()).distinct().toList();
        if (tools.size() > 1) {
            throw new ConfigException(
                    names + ": the runs are of different tools: " + tools + "; give those of one on each side.");
        }
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

    /** Why its tool calls runs INVALID. */
    List<String> invalid() {
        return all().flatMap(run -> run.invalid().stream()).distinct().toList();
    }

    /** Of the figures that all its runs have. */
    SequencedMap<String, RunMeans> means() {
        var means = new LinkedHashMap<String, RunMeans>();
        for (var name : runs.getFirst().figures().keySet()) {
            var figures = runs.stream()
                    .map(run -> run.figures().get(name))
                    .filter(Objects::nonNull)
                    .toList();
            if (figures.size() == runs.size()) {
                means.put(
                        name,
                        new RunMeans(figures.stream().map(Figure::estimate).toList()));
            }
        }
        return means;
    }

    /** Without the run that is most out of line in a figure that both sides have, if one is. */
    ResultRuns withoutOdd(ResultRuns other) {
        var odd = new ArrayList<LeftOut>();
        var others = other.means();
        means().forEach((name, means) -> {
            var its = others.get(name);
            if (its != null) {
                means.odd(its).ifPresent(each -> odd.add(new LeftOut(runs.get(each.run()), name, each)));
            }
        });
        return odd.stream()
                .max(Comparator.comparingDouble(each -> each.odd.times()))
                .map(out -> {
                    var kept = new ArrayList<>(runs);
                    kept.remove(out.odd.run());
                    return new ResultRuns(kept, Optional.of(out));
                })
                .orElse(this);
    }
}
