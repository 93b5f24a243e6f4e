package bestfit.metrics;

import bestfit.metrics.MeanEstimate.Change;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What several runs of one server found for one figure.
 *
 * @param runs at least one
 */
public record RunMeans(List<MeanEstimate> runs) {
    /** A run is out of line only if it is so far from the others, as a share of what they found, … */
    private static final double ODD_SHARE = 0.05;

    /** … and so many times as far as runs usually are: of 200 sides of three normal runs, at most two have one. */
    private static final double ODD_TIMES = 20;

    private static final int LEAST_TO_TELL_ODD = 3;

    /** Of the other side: without its spread two runs would be left, which agree by chance. */
    private static final int LEAST_OTHERS = 2;

    /** What makes the median distance from the median a standard deviation, of normal values. */
    private static final double SD_OF_MEDIAN_DISTANCE = 1.4826;

    public RunMeans {
        runs = List.copyOf(runs);
    }

    public double mean() {
        return Arrays.stream(means()).average().orElseThrow();
    }

    private double[] means() {
        return runs.stream().mapToDouble(MeanEstimate::mean).toArray();
    }

    /** Whether the two tell how sure a difference is: by their runs, or by what each of two single ones knows of itself. */
    public boolean comparableWith(RunMeans other) {
        return degreesWith(other) > 0 || knowItselfWith(other);
    }

    /**
     * How much {@code other} is above this, as a share of this. Runs of one server are taken to spread as those of the other,
     * by Student's t with both sides' runs pooled: of three runs a side that spread by 2 %, Welch's t finds two thirds of the
     * differences of 5 % that this finds. The interval is never narrower than that of what the runs know of themselves: runs
     * that agree by chance do not make it sure.
     */
    public Change to(RunMeans other, double level) {
        double share = (other.mean() - mean()) / mean();
        double half = Math.max(halfOfRuns(other, level), halfWithin(other, level));
        return new Change(share, share - half, share + half);
    }

    /** Half the interval by how the runs differ; 0 where two single ones do not tell. */
    private double halfOfRuns(RunMeans other, double level) {
        int degrees = degreesWith(other);
        if (degrees == 0) {
            return 0;
        }
        double variance = (squares() + other.squares()) / degrees;
        double error = Math.sqrt(variance * (1.0 / runs.size() + 1.0 / other.runs.size()));
        return Summary.tQuantile(degrees, level) * error / mean();
    }

    /** Half the interval, if runs differed by no more than each knows of itself; 0 where one knows nothing. */
    private double halfWithin(RunMeans other, double level) {
        if (!knowItselfWith(other)) {
            return 0;
        }
        var within = pooled().to(other.pooled(), level);
        return (within.high() - within.low()) / 2;
    }

    private boolean knowItselfWith(RunMeans other) {
        return Stream.concat(runs.stream(), other.runs.stream()).allMatch(run -> run.count() > 1);
    }

    private int degreesWith(RunMeans other) {
        return runs.size() + other.runs.size() - 2;
    }

    private double squares() {
        return distances(means(), mean()).map(each -> each * each).sum();
    }

    private MeanEstimate pooled() {
        double squares = runs.stream()
                .mapToDouble(run -> run.standardError() * run.standardError())
                .sum();
        return new MeanEstimate(
                mean(),
                Math.sqrt(squares) / runs.size(),
                runs.stream().mapToInt(MeanEstimate::count).sum());
    }

    /**
     * A run out of line with all others.
     *
     * @param times as far from the other runs of its side as runs are from each other
     * @param others median of the other runs of its side
     */
    public record Odd(int run, double times, double value, double others) {}

    /**
     * The run that is most out of line, if one is. One such run makes all others useless to a t test, whose spread it is. Below three runs
     * none is: of two nobody knows which.
     *
     * @param other the side that it is compared with, whose runs tell too how far runs are from each other
     */
    public Optional<Odd> odd(RunMeans other) {
        if (runs.size() < LEAST_TO_TELL_ODD || other.runs.size() < LEAST_OTHERS) {
            return Optional.empty();
        }
        return IntStream.range(0, runs.size())
                .mapToObj(run -> odd(run, other))
                .flatMap(Optional::stream)
                .max(Comparator.comparingDouble(Odd::times));
    }

    private Optional<Odd> odd(int run, RunMeans other) {
        double value = means()[run];
        var rest = IntStream.range(0, runs.size())
                .filter(each -> each != run)
                .mapToDouble(each -> means()[each])
                .toArray();
        double others = median(rest);
        double usual = SD_OF_MEDIAN_DISTANCE
                * median(DoubleStream.concat(
                                distances(rest, median(means())), distances(other.means(), median(other.means())))
                        .filter(distance -> distance > 0) // the median's own tells nothing
                        .toArray());
        double distance = Math.abs(value - others);
        return distance > Math.max(ODD_SHARE * others, ODD_TIMES * usual)
                ? Optional.of(new Odd(run, distance / usual, value, others))
                : Optional.empty();
    }

    private static DoubleStream distances(double[] values, double from) {
        return Arrays.stream(values).map(value -> Math.abs(value - from));
    }

    /** 0 of none. */
    private static double median(double[] values) {
        return values.length == 0 ? 0 : Summary.percentile(values, 0.5);
    }
}
