package bestfit.tune;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Ranks measured candidates and says how sure the ranking is. Pure.
 *
 * <p>A block's gain is the mean of the logarithms over the objective's metrics, so a difference of gains is the logarithm
 * of a ratio of geometric means. Two candidates are compared by the difference of their mean gains. Its error has two
 * parts: that of the blocks (paired where both ran the same blocks), and the spread from one deployment to the next, which
 * more blocks within a deployment cannot lower; the latter is estimated from candidates deployed more than once, and never
 * taken below {@link #LEAST_RESTART_SPREAD}.
 */
public final class Comparison {
    /** Differences below this are not worth a decision. */
    public static final double INDIFFERENCE = 0.02;

    /** Two deployments say little about their spread, so it is not believed when they happen to agree. */
    static final double LEAST_RESTART_SPREAD = 0.01;

    /**
     * One candidate's place.
     *
     * @param index into the figures given
     * @param overBaseline relative change of the score, 0.2 is 20 % better
     * @param overBest likewise; never above 0 in its mean
     * @param losses metrics in which it is worse than the baseline, as sentences
     */
    public record Standing(
            int index, Interval overBaseline, Interval overBest, boolean tiesWithBest, List<String> losses) {
        public Standing {
            losses = List.copyOf(losses);
        }
    }

    private final List<Figures> figures;
    private final Objective objective;
    private final int baseline;
    private final double restartVariance;
    private final List<Standing> ranking;

    private Comparison(List<Figures> figures, int baseline, Objective objective) {
        this.figures = List.copyOf(figures);
        this.objective = objective;
        this.baseline = baseline;
        this.restartVariance = restartVariance(this.figures, objective);
        this.ranking = rank();
    }

    /**
     * @param figures of candidates that were measured; at least one, each with a block
     * @param baseline index of the one that the score is taken against
     */
    public static Comparison of(List<Figures> figures, int baseline, Objective objective) {
        return new Comparison(figures, baseline, objective);
    }

    /** Best first. */
    public List<Standing> ranking() {
        return ranking;
    }

    public Standing best() {
        return ranking.getFirst();
    }

    /** Sure needs two deployments of best and runner-up. */
    public Verdict verdict() {
        if (!best().losses().isEmpty()) {
            return Verdict.TRADE_OFF;
        }
        boolean distinct = ranking.stream().skip(1).noneMatch(Standing::tiesWithBest);
        return distinct && deployedOnce().isEmpty() ? Verdict.SURE : Verdict.TIE;
    }

    /**
     * With 95 % confidence each other candidate is better than the first by less than this share, 0.02 is 2 %; 0 when the
     * first is distinct, infinite while nothing is known.
     */
    static double regret(List<Standing> ranking) {
        return ranking.stream()
                .skip(1)
                .mapToDouble(standing -> Math.max(0, standing.overBest().high()))
                .max()
                .orElse(0);
    }

    /**
     * Candidates of which another deployment would make the answer surer, the most useful first: best and runner-up until
     * each has two; then the best and those that could still be better by a difference that is worth a decision.
     */
    public List<Integer> worthAnotherDeployment() {
        var once = deployedOnce();
        if (!once.isEmpty() || regret(ranking) < INDIFFERENCE) {
            return once;
        }
        var open = ranking.stream()
                .filter(standing -> standing.index() == best().index()
                        || standing.overBest().high() >= INDIFFERENCE)
                .map(Standing::index)
                .toList();
        return open.stream()
                .sorted(Comparator.comparingInt(index -> figures.get(index).deployments()))
                .toList();
    }

    /** Of the best and the runner-up, those deployed only once; empty with a single candidate. */
    private List<Integer> deployedOnce() {
        return ranking.size() < 2
                ? List.of()
                : ranking.stream()
                        .limit(2)
                        .map(Standing::index)
                        .filter(index -> figures.get(index).deployments() < 2)
                        .toList();
    }

    /** Of a trade-off: the best candidate that loses nothing against the baseline; the baseline itself at least. */
    public Standing withoutLosses() {
        return ranking.stream()
                .filter(standing -> standing.losses().isEmpty())
                .findFirst()
                .orElse(best());
    }

    private List<Standing> rank() {
        var order = new ArrayList<Integer>();
        for (int i = 0; i < figures.size(); i++) {
            order.add(i);
        }
        // Equal gains keep the order of the search space: fewer devices per instance first.
        order.sort(Comparator.comparingDouble(index -> -meanGain(index)));
        int best = order.getFirst();
        return order.stream().map(index -> standing(index, best)).toList();
    }

    private Standing standing(int index, int best) {
        var behind = difference(index, best);
        boolean ties = index != best && (behind.high() >= 0 || behind.mean() > Math.log1p(-INDIFFERENCE));
        return new Standing(index, difference(index, baseline).asChange(), behind.asChange(), ties, losses(index));
    }

    private double meanGain(int index) {
        return Interval.mean(gains(index));
    }

    private List<Double> gains(int index) {
        return figures.get(index).blocks().stream()
                .map(block -> block.gain(objective))
                .toList();
    }

    /** Difference of mean gains, first less second. */
    private Interval difference(int first, int second) {
        if (first == second) {
            return new Interval(0, 0, 0);
        }
        var a = byNumber(first, block -> block.gain(objective));
        var b = byNumber(second, block -> block.gain(objective));
        return difference(a, b, restarts(first, second));
    }

    private double restarts(int first, int second) {
        return restartVariance / figures.get(first).deployments()
                + restartVariance / figures.get(second).deployments();
    }

    private interface Reading {
        double of(Figures.Block block);
    }

    private Map<Integer, Double> byNumber(int index, Reading reading) {
        var values = new HashMap<Integer, Double>();
        figures.get(index).blocks().forEach(block -> values.put(block.number(), reading.of(block)));
        return values;
    }

    /** Paired where both ran the same blocks, else Welch's. */
    private static Interval difference(Map<Integer, Double> a, Map<Integer, Double> b, double restarts) {
        double mean = Interval.mean(List.copyOf(a.values())) - Interval.mean(List.copyOf(b.values()));
        if (a.keySet().equals(b.keySet())) {
            var pairs = a.entrySet().stream()
                    .map(entry -> entry.getValue() - b.getOrDefault(entry.getKey(), 0.0))
                    .toList();
            double error = Math.sqrt(Interval.variance(pairs) / pairs.size() + restarts);
            return Interval.around(mean, error, pairs.size() - 1);
        }
        double first = errorSquared(a.values());
        double second = errorSquared(b.values());
        return Interval.around(mean, Math.sqrt(first + second + restarts), freedom(first, a.size(), second, b.size()));
    }

    private static double errorSquared(Collection<Double> values) {
        return Interval.variance(List.copyOf(values)) / values.size();
    }

    /** Degrees of freedom by Welch and Satterthwaite, rounded down. */
    private static int freedom(double first, int firstCount, double second, int secondCount) {
        int least = Math.min(firstCount, secondCount) - 1;
        double sum = first + second;
        if (least < 1 || sum == 0) {
            return least;
        }
        return (int) (sum * sum / (first * first / (firstCount - 1) + second * second / (secondCount - 1)));
    }

    /** Variance of a deployment's mean gain about its candidate's, pooled over candidates deployed more than once. */
    private static double restartVariance(List<Figures> figures, Objective objective) {
        double squares = 0;
        int freedom = 0;
        for (var each : figures) {
            var means = new ArrayList<Double>();
            for (int deployment : new LinkedHashSet<>(
                    each.blocks().stream().map(Figures.Block::deployment).toList())) {
                means.add(Interval.mean(each.blocks().stream()
                        .filter(block -> block.deployment() == deployment)
                        .map(block -> block.gain(objective))
                        .toList()));
            }
            squares += Interval.variance(means) * (means.size() - 1);
            freedom += means.size() - 1;
        }
        double least = LEAST_RESTART_SPREAD * LEAST_RESTART_SPREAD;
        return freedom == 0 ? least : Math.max(least, squares / freedom);
    }

    private List<String> losses(int index) {
        var losses = new ArrayList<String>();
        if (index == baseline) {
            return losses;
        }
        for (var experiment : figures.get(index).experiments()) {
            for (var metric : Objective.METRICS) {
                var change = difference(
                                byNumber(index, block -> gain(block, experiment, metric)),
                                byNumber(baseline, block -> gain(block, experiment, metric)),
                                restarts(index, baseline))
                        .asChange();
                if (change.high() < 0 && change.mean() < -INDIFFERENCE) {
                    losses.add(String.format(
                            java.util.Locale.ROOT,
                            "%s of %s is %.0f %% worse than the baseline's",
                            Objective.words(metric),
                            experiment,
                            -100 * change.mean()));
                }
            }
        }
        return losses;
    }

    private static double gain(Figures.Block block, String experiment, String metric) {
        var value = block.metrics().getOrDefault(experiment, Map.of()).get(metric);
        return value == null ? Double.NaN : Objective.gain(metric, value);
    }
}
