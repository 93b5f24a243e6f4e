package bestfit.openai;

import java.util.List;

/**
 * One generated token with its log-probability and the best alternatives, best first.
 *
 * @param token its text; U+FFFD for bytes that are no whole character
 */
public record TokenLogprob(String token, double logprob, List<Alternative> top) {
    public record Alternative(String token, double logprob) {}

    public TokenLogprob {
        top = List.copyOf(top);
    }
}
