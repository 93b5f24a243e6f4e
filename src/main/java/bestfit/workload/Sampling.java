package bestfit.workload;

import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Sampling parameters that every request carries; what is empty is not sent.
 *
 * @param logprobs so many alternatives at each token
 * @param seed of request 0; request i sends {@code seed + i}
 */
public record Sampling(
        double temperature,
        OptionalDouble topP,
        OptionalInt topK,
        OptionalDouble minP,
        OptionalInt logprobs,
        OptionalLong seed) {
    public static final Sampling GREEDY = new Sampling(
            0,
            OptionalDouble.empty(),
            OptionalInt.empty(),
            OptionalDouble.empty(),
            OptionalInt.empty(),
            OptionalLong.empty());
}
