package bestfit.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One generated token with its log-probability and the best alternatives, best first.
 *
 * @param token what it is called: its text, empty where it ends inside a character, or its id
 * @param text whose bytes are told with it; null for none
 */
public record TokenLogprob(String token, @Nullable String text, double logprob, List<Alternative> top) {
    /** Named as a {@link TokenLogprob} is. */
    public record Alternative(String token, double logprob) {}

    public TokenLogprob {
        top = List.copyOf(top);
    }

    /** As Python counts them. */
    public int characters() {
        return token.codePointCount(0, token.length());
    }
}
