package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bestfit.engine.StepExecutor.Row;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SamplerTest {
    /** Probabilities 0.5, 0.25, 0.15, 0.1, told as logits with an offset that must not matter. */
    private static final double[] SHARES = {0.15, 0.5, 0.1, 0.25};

    private static final float[] LOGITS = logits();

    private static float[] logits() {
        var logits = new float[SHARES.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (Math.log(SHARES[i]) + 3);
        }
        return logits;
    }

    private static SamplingParams with(double temperature, double topP, int topK, double minP, @Nullable Long seed) {
        return new SamplingParams(
                temperature, topP, topK, minP, 0, 0, 1, seed, -1, Map.of(), TokenMask.NONE, -1, false);
    }

    private static SamplingParams penalties(double presence, double frequency, double repetition) {
        return new SamplingParams(
                0, 1, 0, 0, presence, frequency, repetition, null, -1, Map.of(), TokenMask.NONE, -1, false);
    }

    private static Row row(int position, int... history) {
        return new Row("a", new int[1], position, new int[1], null, history, Math.min(1, history.length), -1);
    }

    private static int sample(SamplingParams params, int... history) {
        return new Sampler(4, 0).sample(LOGITS, 0, row(0, history), params);
    }

    private static double[] frequencies(SamplingParams params) {
        var sampler = new Sampler(4, 1);
        var found = new double[4];
        int draws = 40_000;
        for (int i = 0; i < draws; i++) {
            found[sampler.sample(LOGITS, 0, row(i), params)] += 1.0 / draws;
        }
        return found;
    }

    private static Set<Integer> drawn(SamplingParams params) {
        var found = new TreeSet<Integer>();
        var frequencies = frequencies(params);
        IntStream.range(0, 4).filter(i -> frequencies[i] > 0).forEach(found::add);
        return found;
    }

    @Test
    void drawsFollowTheDistribution() {
        var tolerance = within(0.012);
        assertThat(frequencies(with(1, 1, 0, 0, null))).containsExactly(SHARES, tolerance);
        assertThat(frequencies(with(1, 1, -1, 0, 7L))).containsExactly(SHARES, tolerance);
        double sum = Arrays.stream(SHARES).map(Math::sqrt).sum();
        var flatter = Arrays.stream(SHARES).map(p -> Math.sqrt(p) / sum).toArray();
        assertThat(frequencies(with(2, 1, 0, 0, null))).containsExactly(flatter, tolerance);
    }

    @Test
    void cutsKeepWhatTheyPromise() {
        assertThat(drawn(with(1, 1, 2, 0, null))).containsExactly(1, 3);
        assertThat(drawn(with(1, 0.74, 0, 0, null))).containsExactly(1, 3);
        assertThat(drawn(with(1, 0.76, 0, 0, null))).containsExactly(0, 1, 3);
        assertThat(drawn(with(1, 1, 0, 0.29, null))).containsExactly(0, 1, 3);
        assertThat(drawn(with(1, 0, 0, 0, null))).containsExactly(1);
        // top-p counts within what top-k left: 0.5 of 0.75 is two thirds.
        assertThat(drawn(with(1, 0.66, 2, 0, null))).containsExactly(1);
        assertThat(frequencies(with(1, 1, 2, 0, null))[1]).isCloseTo(2.0 / 3, within(0.012));
    }

    @Test
    void aSeedAndAPositionDecideAlone() {
        var params = with(1, 1, 0, 0, 42L);
        var first = new Sampler(4, 1);
        var second = new Sampler(4, 2);
        var seen = new TreeSet<Integer>();
        for (int position = 0; position < 50; position++) {
            int token = first.sample(LOGITS, 0, row(position), params);
            second.sample(LOGITS, 0, row(position), with(1, 1, 0, 0, null));
            assertThat(second.sample(LOGITS, 0, row(position), params)).isEqualTo(token);
            seen.add(token);
        }
        assertThat(seen).hasSizeGreaterThan(2);
    }

    @Test
    void greedyTakesTheBestAfterBiasBansAndPenalties() {
        assertThat(sample(SamplingParams.GREEDY)).isEqualTo(1);
        var biased =
                new SamplingParams(0, 1, 0, 0, 0, 0, 1, null, -1, Map.of(2, 5.0, 99, 9.0), TokenMask.NONE, -1, false);
        assertThat(sample(biased)).isEqualTo(2);
        var banned = new SamplingParams(0, 1, 0, 0, 0, 0, 1, null, -1, Map.of(), TokenMask.banning(1), -1, false);
        assertThat(sample(banned)).isEqualTo(3);
        // The first of the history is the prompt; presence and frequency look at generated tokens only.
        assertThat(sample(penalties(1, 0, 1), 1, 0)).isEqualTo(1);
        assertThat(sample(penalties(1, 0, 1), 0, 1)).isEqualTo(3);
        assertThat(sample(penalties(0, 0.4, 1), 0, 1)).isEqualTo(1);
        assertThat(sample(penalties(0, 0.4, 1), 0, 1, 1)).isEqualTo(3);
        assertThat(sample(penalties(0, 0, 2), 1, 0)).isEqualTo(3);
    }

    @Test
    void logprobsAreOfRawLogitsWithRank() {
        var found = Sampler.logprobs(LOGITS, 0, 4, 0, 3);
        assertThat(found.ids()).containsExactly(1, 3, 0);
        assertThat(found.logprobs())
                .containsExactly(new double[] {Math.log(0.5), Math.log(0.25), Math.log(0.15)}, within(1e-6));
        assertThat(found.chosenLogprob()).isCloseTo(Math.log(0.15), within(1e-6));
        assertThat(found.chosenRank()).isEqualTo(3);
        assertThat(Sampler.logprobs(LOGITS, 0, 4, 1, 0).ids()).isEmpty();
    }
}
