package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.engine.StepExecutor.Row;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Chooses the next token from logits, in vLLM's order: bias and bans, penalties, temperature, min-p, top-k, top-p. A
 * seeded row depends on its seed and position alone, whatever runs beside it. Used by one thread.
 */
final class Sampler {
    private static final double SMALLEST_TEMPERATURE = 1e-5;

    private final int vocabulary;
    private final SplittableRandom random;
    private final double[] scores;
    private final int[] counts;
    private final boolean[] inPrompt;

    Sampler(int vocabulary, long seed) {
        this.vocabulary = vocabulary;
        this.random = new SplittableRandom(seed);
        this.scores = new double[vocabulary];
        this.counts = new int[vocabulary];
        this.inPrompt = new boolean[vocabulary];
    }

    /** The token that follows the row; logits are left as they are, but for those of tokens that do not fit the answer's form. */
    int sample(float[] logits, int offset, Row row, SamplingParams params) {
        var fitting = params.mask().fitting();
        if (fitting != null) {
            for (int i = fitting.nextClearBit(0); i < vocabulary; i = fitting.nextClearBit(i + 1)) {
                logits[offset + i] = Float.NEGATIVE_INFINITY;
            }
        }
        for (int i = 0; i < vocabulary; i++) {
            scores[i] = logits[offset + i];
        }
        params.logitBias().forEach((token, bias) -> {
            if (token >= 0 && token < vocabulary) {
                scores[token] += bias;
            }
        });
        mask(row, params.mask());
        if (params.penalises()) {
            penalise(row, params);
        }
        int token = params.temperature() < SMALLEST_TEMPERATURE ? greatest() : draw(row, params);
        return params.enforced() >= 0 ? params.enforced() : token;
    }

    /**
     * Log-probabilities as the sampling before saw them: after bias, penalties, temperature and cuts; what was cut has minus
     * infinity. Without temperature those of the scores.
     */
    Logprobs processedLogprobs(SamplingParams params, int chosen) {
        boolean weights = params.temperature() >= SMALLEST_TEMPERATURE;
        var processed = new float[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
            processed[i] = (float) (weights ? Math.log(scores[i]) : scores[i]);
        }
        return logprobs(processed, 0, vocabulary, chosen, params.logprobs());
    }

    private void mask(Row row, TokenMask mask) {
        if (mask.allowed().length > 0) {
            var kept =
                    Arrays.stream(mask.allowed()).mapToDouble(id -> scores[id]).toArray();
            Arrays.fill(scores, Double.NEGATIVE_INFINITY);
            for (int i = 0; i < kept.length; i++) {
                scores[mask.allowed()[i]] = kept[i];
            }
        }
        var history = row.history() == null ? new int[0] : row.history();
        for (var run : mask.badWords()) {
            ban(TokenMask.completed(run, history, row.promptLength()));
        }
        for (int token : mask.banned()) {
            ban(token);
        }
    }

    private void ban(int token) {
        if (token >= 0 && token < vocabulary) {
            scores[token] = Double.NEGATIVE_INFINITY;
        }
    }

    private void penalise(Row row, SamplingParams params) {
        var history = row.history();
        if (history == null) {
            throw new IllegalArgumentException("penalties need the row's history");
        }
        Arrays.fill(counts, 0);
        Arrays.fill(inPrompt, false);
        for (int i = 0; i < history.length; i++) {
            if (i < row.promptLength()) {
                inPrompt[history[i]] = true;
            } else {
                counts[history[i]]++;
            }
        }
        for (int i = 0; i < vocabulary; i++) {
            if (inPrompt[i] || counts[i] > 0) {
                scores[i] =
                        scores[i] > 0 ? scores[i] / params.repetitionPenalty() : scores[i] * params.repetitionPenalty();
            }
            if (counts[i] > 0) {
                scores[i] -= params.frequencyPenalty() * counts[i] + params.presencePenalty();
            }
        }
    }

    private int greatest() {
        int best = 0;
        for (int i = 1; i < vocabulary; i++) {
            if (scores[i] > scores[best]) {
                best = i;
            }
        }
        return best;
    }

    /** Turns the scores into weights, cuts them, and draws one. */
    private int draw(Row row, SamplingParams params) {
        int best = greatest();
        double greatest = scores[best];
        double sum = 0;
        for (int i = 0; i < vocabulary; i++) {
            scores[i] = Math.exp((scores[i] - greatest) / params.temperature());
            if (scores[i] < params.minP()) {
                scores[i] = 0;
            }
            sum += scores[i];
        }
        boolean topK = params.topK() > 0 && params.topK() < vocabulary;
        if (topK || params.topP() < 1) {
            sum = cut(params, topK ? params.topK() : vocabulary);
        }
        double target = uniform(row, params) * sum;
        int last = best;
        for (int i = 0; i < vocabulary; i++) {
            if (scores[i] > 0) {
                last = i;
                target -= scores[i];
                if (target < 0) {
                    return i;
                }
            }
        }
        return last;
    }

    /**
     * Keeps the {@code k} heaviest (with all that tie with the last of them), then of those the fewest that hold a share
     * of top-p.
     *
     * @return the sum of what is kept
     */
    private double cut(SamplingParams params, int k) {
        var sorted = scores.clone();
        Arrays.sort(sorted);
        double least = sorted[vocabulary - k];
        double sum = 0;
        for (int i = vocabulary - 1; i >= 0 && sorted[i] >= least; i--) {
            sum += sorted[i];
        }
        double kept = 0;
        for (int i = vocabulary - 1; i >= 0 && sorted[i] >= least; i--) {
            kept += sorted[i];
            if (kept >= params.topP() * sum) {
                least = sorted[i];
                break;
            }
        }
        double rest = 0;
        for (int i = 0; i < vocabulary; i++) {
            if (scores[i] < least) {
                scores[i] = 0;
            }
            rest += scores[i];
        }
        return rest;
    }

    private double uniform(Row row, SamplingParams params) {
        if (params.seed() == null) {
            return random.nextDouble();
        }
        long position = (long) row.start() + row.tokens().length;
        return new SplittableRandom(params.seed() * 0x9E3779B97F4A7C15L + position).nextDouble();
    }

    /**
     * Log-probabilities of the raw logits, before bias, penalties and temperature, as vLLM gives them.
     *
     * @param alternatives how many of the most likely to name
     */
    static Logprobs logprobs(float[] logits, int offset, int vocabulary, int chosen, int alternatives) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabulary; i++) {
            max = Math.max(max, logits[offset + i]);
        }
        double sum = 0;
        int rank = 0;
        for (int i = 0; i < vocabulary; i++) {
            sum += Math.exp(logits[offset + i] - max);
            if (logits[offset + i] >= logits[offset + chosen]) {
                rank++;
            }
        }
        double total = max + Math.log(sum);
        var ids = heaviest(logits, offset, vocabulary, Math.min(alternatives, vocabulary));
        var values = Arrays.stream(ids)
                .mapToDouble(id -> logits[offset + id] - total)
                .toArray();
        return new Logprobs(chosen, logits[offset + chosen] - total, rank, ids, values);
    }

    /** Ids of the greatest logits, best first, the lower id first among equals. */
    private static int[] heaviest(float[] logits, int offset, int vocabulary, int count) {
        var ids = new int[count];
        int size = 0;
        for (int id = 0; id < vocabulary && count > 0; id++) {
            float logit = logits[offset + id];
            if (size == count && logit <= logits[offset + ids[size - 1]]) {
                continue;
            }
            int at = size < count ? size++ : size - 1;
            while (at > 0 && logits[offset + ids[at - 1]] < logit) {
                ids[at] = ids[at - 1];
                at--;
            }
            ids[at] = id;
        }
        return ids;
    }
}
