package bestfit.perf;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The most probable constants given measurements: each constant's logarithm has a normal prior, residuals count as in
 * Student's t with 4 degrees of freedom, so that an outlier pulls little (Lange, Little, Taylor 1989). Gauss-Newton on the
 * logarithms with numerical derivatives, reweighted until each step stays and halved until it helps; the posterior's standard deviations come from the last
 * normal equations. Pure.
 */
final class Fit {
    private static final double DEGREES = 4;
    private static final double NUDGE = 0.03;
    private static final double LONGEST_STEP = 0.5;
    private static final int REWEIGHTED = 20;
    private static final double ENOUGH = 2e-5;

    private Fit() {}

    /**
     * Logarithm of predicted over measured of every figure under given constants; always the same number of them.
     */
    interface Residuals {
        double[] of(Constants constants);

        /** The same after one constant moved; what does not depend on it may be taken from before. */
        default double[] moved(Constants constants, String name, double[] before) {
            return of(constants);
        }
    }

    /**
     * @param noise standard deviation expected of each residual's logarithm
     * @param weights how much each counts
     */
    static Constants of(
            Residuals residuals, double noise, double[] weights, Constants prior, List<String> names, int turns) {
        return of(residuals, noise, weights, prior, prior, names, turns);
    }

    /** The same, the search beginning elsewhere than at the prior. */
    static Constants of(
            Residuals residuals,
            double noise,
            double[] weights,
            Constants prior,
            Constants start,
            List<String> names,
            int turns) {
        var now = start;
        var at = residuals.of(now);
        double cost = cost(at, noise, weights, now, prior, names);
        for (int turn = 0; turn < turns; turn++) {
            var slopes = slopes(residuals, now, at, names);
            double[] step = step(slopes, at, noise, weights, now, prior, names);
            double before = cost;
            for (double share = 1; share > 0.05 && cost >= before; share /= 2) {
                var moved = moved(now, names, step, share);
                var there = residuals.of(moved);
                double next = cost(there, noise, weights, moved, prior, names);
                if (next < before) {
                    now = moved;
                    at = there;
                    cost = next;
                }
            }
            if (before - cost < ENOUGH * before) {
                break;
            }
        }
        var normal = normal(slopes(residuals, now, at, names), at, noise, weights, prior, names);
        return doubted(now, normal, names);
    }

    /** The best step while the residuals are straight lines: reweighted until it stays. */
    private static double[] step(
            double[][] slopes,
            double[] at,
            double noise,
            double[] weights,
            Constants now,
            Constants prior,
            List<String> names) {
        var step = new double[names.size()];
        for (int turn = 0; turn < REWEIGHTED; turn++) {
            var there = at.clone();
            for (int i = 0; i < step.length; i++) {
                for (int r = 0; r < there.length; r++) {
                    there[r] += step[i] * slopes[i][r];
                }
            }
            var moved = moved(now, names, step, 1);
            var more = solve(
                    normal(slopes, there, noise, weights, prior, names),
                    gradient(slopes, there, noise, weights, moved, prior, names));
            double longest = 0;
            for (int i = 0; i < step.length; i++) {
                double next = Math.clamp(step[i] + more[i], -LONGEST_STEP, LONGEST_STEP);
                longest = Math.max(longest, Math.abs(next - step[i]));
                step[i] = next;
            }
            if (longest < 1e-3) {
                break;
            }
        }
        return step;
    }

    private static Constants moved(Constants from, List<String> names, double[] step, double share) {
        var moved = from;
        for (int i = 0; i < step.length; i++) {
            var name = names.get(i);
            moved = moved.with(name, moved.get(name) * Math.exp(share * step[i]));
        }
        return moved;
    }

    /**
     * Fitted constants, some with the doubt that each has while the others stay. What measurements tell of a sum of costs they
     * leave open for its parts; of work like the measured the sum is what counts, and the parts' own doubts would forget that
     * they make up for each other.
     */
    static Constants givenTheOthers(
            Residuals residuals,
            double noise,
            double[] weights,
            Constants prior,
            Constants fitted,
            List<String> names) {
        var at = residuals.of(fitted);
        var normal = normal(slopes(residuals, fitted, at, names), at, noise, weights, prior, names);
        var result = fitted;
        for (int i = 0; i < names.size(); i++) {
            result = result.with(names.get(i), fitted.get(names.get(i)), 1 / Math.sqrt(normal[i][i]));
        }
        return result;
    }

    private static Constants doubted(Constants at, double[][] normal, List<String> names) {
        var result = at;
        for (int i = 0; i < names.size(); i++) {
            var unit = new double[names.size()];
            unit[i] = 1;
            double variance = Math.max(1e-6, solve(normal, unit)[i]);
            result = result.with(names.get(i), result.get(names.get(i)), Math.sqrt(variance));
        }
        return result;
    }

    private static double[][] slopes(Residuals residuals, Constants now, double[] at, List<String> names) {
        return IntStream.range(0, names.size())
                .parallel()
                .mapToObj(i -> {
                    var name = names.get(i);
                    var there = residuals.moved(now.with(name, now.get(name) * Math.exp(NUDGE)), name, at);
                    var slope = new double[at.length];
                    for (int r = 0; r < at.length; r++) {
                        slope[r] = Double.isFinite(at[r]) && Double.isFinite(there[r]) ? (there[r] - at[r]) / NUDGE : 0;
                    }
                    return slope;
                })
                .toArray(double[][]::new);
    }

    private static double weight(double residual, double noise, double weight) {
        double off = residual / noise;
        return Double.isFinite(residual) ? weight * (DEGREES + 1) / (DEGREES + off * off) / (noise * noise) : 0;
    }

    private static double[][] normal(
            double[][] slopes, double[] at, double noise, double[] weights, Constants prior, List<String> names) {
        int n = slopes.length;
        var normal = new double[n][n];
        for (int r = 0; r < at.length; r++) {
            double weight = weight(at[r], noise, weights[r]);
            if (weight > 0) {
                for (int i = 0; i < n; i++) {
                    double part = weight * slopes[i][r];
                    if (part != 0) {
                        for (int j = 0; j < n; j++) {
                            normal[i][j] += part * slopes[j][r];
                        }
                    }
                }
            }
        }
        for (int i = 0; i < n; i++) {
            double doubt = prior.doubt(names.get(i));
            normal[i][i] += 1 / (doubt * doubt);
        }
        return normal;
    }

    private static double[] gradient(
            double[][] slopes,
            double[] at,
            double noise,
            double[] weights,
            Constants now,
            Constants prior,
            List<String> names) {
        var gradient = new double[slopes.length];
        for (int i = 0; i < slopes.length; i++) {
            for (int r = 0; r < at.length; r++) {
                double weight = weight(at[r], noise, weights[r]);
                gradient[i] -= weight == 0 ? 0 : weight * slopes[i][r] * at[r];
            }
            var name = names.get(i);
            double doubt = prior.doubt(name);
            gradient[i] -= Math.log(now.get(name) / prior.get(name)) / (doubt * doubt);
        }
        return gradient;
    }

    /** Minus the posterior's logarithm, but for a constant: what {@link #of} makes small. */
    static double cost(
            double[] at, double noise, double[] weights, Constants now, Constants prior, List<String> names) {
        double cost = 0;
        for (int r = 0; r < at.length; r++) {
            if (Double.isFinite(at[r])) {
                double off = at[r] / noise;
                cost += weights[r] * (DEGREES + 1) / 2 * Math.log1p(off * off / DEGREES);
            }
        }
        for (var name : names) {
            double off = Math.log(now.get(name) / prior.get(name)) / prior.doubt(name);
            cost += off * off / 2;
        }
        return cost;
    }

    /** Cholesky. */
    private static double[] solve(double[][] matrix, double[] right) {
        int n = right.length;
        var lower = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = matrix[i][j];
                for (int k = 0; k < j; k++) {
                    sum -= lower[i][k] * lower[j][k];
                }
                lower[i][j] = i == j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / lower[j][j];
            }
        }
        var x = new double[n];
        for (int i = 0; i < n; i++) {
            double sum = right[i];
            for (int k = 0; k < i; k++) {
                sum -= lower[i][k] * x[k];
            }
            x[i] = sum / lower[i][i];
        }
        for (int i = n - 1; i >= 0; i--) {
            double sum = x[i];
            for (int k = i + 1; k < n; k++) {
                sum -= lower[k][i] * x[k];
            }
            x[i] = sum / lower[i][i];
        }
        return x;
    }

    /** Root mean square, infinite ones left out. */
    static double rootMeanSquare(double[] residuals) {
        var finite = new ArrayList<Double>();
        for (double each : residuals) {
            if (Double.isFinite(each)) {
                finite.add(each * each);
            }
        }
        return finite.isEmpty()
                ? Double.NaN
                : Math.sqrt(finite.stream()
                        .mapToDouble(Double::doubleValue)
                        .average()
                        .orElseThrow());
    }
}
