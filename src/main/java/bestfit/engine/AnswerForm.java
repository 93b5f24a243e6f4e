package bestfit.engine;

import bestfit.grammar.TokenGrammar;

/**
 * The form that an answer has to have.
 *
 * @param stops tokens that may end it, whether the request lets them or not
 */
record AnswerForm(TokenGrammar grammar, int[] stops) {
    TokenGrammar.Answer begin() {
        return grammar.begin(stops);
    }
}
