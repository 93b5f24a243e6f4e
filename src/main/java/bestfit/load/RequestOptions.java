package bestfit.load;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What every request of a run asks for.
 *
 * @param maxTokens upper limit of the answer, exact with {@code fixedLength}
 * @param fixedLength sends {@code ignore_eos}, so that every answer has {@code maxTokens} tokens
 * @param seed sampling seed of request 0; request i sends {@code seed + i}; empty sends none
 * @param silence limit on the time without a byte
 * @param limit on the whole request
 */
public record RequestOptions(
        int maxTokens, double temperature, boolean fixedLength, OptionalLong seed, Duration silence, Duration limit) {
    private static final double COMPRESSA_TEMPERATURE = 0.8;
    private static final Duration SILENCE = Duration.ofMinutes(10);
    private static final Duration LIMIT = Duration.ofHours(1);

    /** What compressa-perf sends: no seed, length left to the model, 600 s without a byte. */
    public static RequestOptions asCompressa(int maxTokens) {
        return new RequestOptions(maxTokens, COMPRESSA_TEMPERATURE, false, OptionalLong.empty(), SILENCE, LIMIT);
    }

    /** Repeatable: every answer has exactly {@code tokens} tokens, and the sampling is seeded. */
    public static RequestOptions fixed(int tokens, long seed) {
        return new RequestOptions(tokens, COMPRESSA_TEMPERATURE, true, OptionalLong.of(seed), SILENCE, LIMIT);
    }

    public RequestOptions withLimits(Duration newSilence, Duration newLimit) {
        return new RequestOptions(maxTokens, temperature, fixedLength, seed, newSilence, newLimit);
    }
}
