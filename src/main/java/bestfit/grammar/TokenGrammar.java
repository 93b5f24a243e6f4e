package bestfit.grammar;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A grammar over the tokens of a vocabulary. Not thread-safe; answers that follow one grammar share it. */
public final class TokenGrammar {
    /** Sets of tokens that are kept; a set of 150,000 takes 19 kB. */
    private static final int MOST_SETS = 2_000;

    private final Grammar grammar;
    private final Vocabulary vocabulary;
    private final Map<Grammar.State, BitSet> fitting = new HashMap<>();

    public TokenGrammar(Grammar grammar, Vocabulary vocabulary) {
        this.grammar = grammar;
        this.vocabulary = vocabulary;
    }

    /**
     * Begins an answer.
     *
     * @param stops tokens that end it where the grammar may end
     */
    public Answer begin(int[] stops) {
        return new Answer(stops);
    }

    private BitSet fitting(Grammar.State state) {
        if (fitting.size() >= MOST_SETS) {
            fitting.clear();
        }
        return fitting.computeIfAbsent(state, vocabulary::fitting);
    }

    /** One answer as far as it is. */
    public final class Answer {
        private final int[] stops;
        private Grammar.@Nullable State state = grammar.start();

        private Answer(int[] stops) {
            this.stops = stops.clone();
        }

        /**
         * The tokens that can come next; null when any can, because the grammar's text has ended. A stop is no part of the
         * text, whatever its own is.
         */
        public @Nullable BitSet fitting() {
            if (state == null) {
                return null;
            }
            var tokens = TokenGrammar.this.fitting(state);
            boolean mayEnd = state.mayEnd();
            boolean stopsFit = true;
            for (int stop : stops) {
                stopsFit &= tokens.get(stop) == mayEnd;
            }
            if (stopsFit) {
                return tokens;
            }
            var withStops = (BitSet) tokens.clone();
            for (int stop : stops) {
                withStops.set(stop, mayEnd);
            }
            return withStops;
        }

        /** Takes the token that came. A stop ends the grammar's text, and so does one that does not fit. */
        public void take(int token) {
            if (state != null) {
                boolean ends = vocabulary.bytes(token).length == 0;
                for (int stop : stops) {
                    ends |= stop == token;
                }
                state = ends ? null : state.after(vocabulary.bytes(token));
            }
        }
    }
}
