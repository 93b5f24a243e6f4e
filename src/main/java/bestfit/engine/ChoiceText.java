package bestfit.engine;

import bestfit.model.Detokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The text of one choice as its tokens come: whole characters only (an unfinished one at the end is dropped), cut at the
 * first stop text. While it goes on, as many characters are held back as could begin a stop text. Not thread-safe.
 */
final class ChoiceText {
    private final Detokenizer detokenizer;
    private final List<String> stops;
    private final boolean includeStop;
    private final int holdBack;
    private final StringBuilder text = new StringBuilder();
    private int taken;

    ChoiceText(Detokenizer detokenizer, List<String> stops, boolean includeStop) {
        this.detokenizer = detokenizer;
        this.stops = stops;
        this.includeStop = includeStop;
        this.holdBack =
                includeStop ? 0 : stops.stream().mapToInt(String::length).max().orElse(1) - 1;
    }

    /** Adds a token's text; what it completes is the return value. */
    private String append(int token) {
        var more = detokenizer.add(token);
        text.append(more);
        return more;
    }

    /**
     * Adds a token.
     *
     * @param mayStop false while too few tokens were generated for a stop to count
     * @return the stop text that it completes, at which the text is cut; null if none
     */
    @Nullable
    String add(int token, boolean mayStop) {
        int added = append(token).length();
        if (!mayStop || added == 0 || stops.isEmpty()) {
            return null;
        }
        for (var stop : stops) {
            int at = text.indexOf(stop, Math.max(0, text.length() - added - stop.length() + 1));
            if (at >= 0) {
                text.setLength(includeStop ? at + stop.length() : at);
                return stop;
            }
        }
        return null;
    }

    int length() {
        return text.length();
    }

    /** Characters handed out so far. */
    int taken() {
        return taken;
    }

    /** Hands out what is new and safe to show. */
    String take(boolean ended) {
        int end = Math.max(taken, ended ? text.length() : text.length() - holdBack);
        var piece = text.substring(taken, end);
        taken = end;
        return piece;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
