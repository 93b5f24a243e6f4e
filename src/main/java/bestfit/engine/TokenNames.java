package bestfit.engine;

import bestfit.model.Tokenizer;
import bestfit.openai.GenerationRequest;
import bestfit.openai.TokenStyle;
import java.util.Arrays;

/**
 * What log-probabilities call tokens, position by position. Where a token ends inside a character it has no text; the one
 * that completes the character has it whole. Not thread-safe.
 */
final class TokenNames {
    private static final char REPLACEMENT = '\ufffd';

    /** No character takes more tokens. */
    private static final int LONGEST_CHARACTER = 4;

    private final Tokenizer tokenizer;
    private final TokenStyle style;
    /** Chosen tokens before this position, the last ones. */
    private int[] before = {};

    TokenNames(Tokenizer tokenizer, TokenStyle style) {
        this.tokenizer = tokenizer;
        this.style = style;
    }

    /** What is prescribed by ids is answered by ids, as gonka's fork does. */
    static TokenStyle style(GenerationRequest request, EngineArgs args) {
        if (args.gonka() || request.enforced() != null) {
            return TokenStyle.ID;
        }
        return request.tokenStyle() == null ? args.tokenStyle() : request.tokenStyle();
    }

    /** Goes to the position after a chosen token. */
    void pass(int token) {
        int kept = Math.min(before.length, LONGEST_CHARACTER - 1);
        var after = Arrays.copyOfRange(before, before.length - kept, before.length + 1);
        after[kept] = token;
        before = after;
    }

    /** In the style that the request wants. */
    String name(int token) {
        return switch (style) {
            case TEXT -> text(token);
            case PREFIXED_ID -> "token_id:" + token;
            case ID -> String.valueOf(token);
        };
    }

    /** Whose bytes are told beside the name: gonka's fork tells those of the name itself. */
    String told(int token) {
        return style == TokenStyle.PREFIXED_ID ? text(token) : name(token);
    }

    String text(int token) {
        var alone = tokenizer.tokenText(token);
        if (!endsInsideCharacter(alone)) {
            return alone;
        }
        for (int context = 1; context <= before.length; context++) {
            var all = Arrays.copyOfRange(before, before.length - context, before.length + 1);
            all[context] = token;
            var text = tokenizer.decode(all, false);
            if (!endsInsideCharacter(text)) {
                return text.substring(wholeText(Arrays.copyOf(all, context)).length());
            }
        }
        return "";
    }

    /** The text of what comes before the tokens at the end that have no whole character. */
    private String wholeText(int[] tokens) {
        int end = tokens.length;
        while (end > 0 && endsInsideCharacter(tokenizer.tokenText(tokens[end - 1]))) {
            end--;
        }
        return tokenizer.decode(Arrays.copyOf(tokens, end), false);
    }

    private static boolean endsInsideCharacter(String text) {
        return !text.isEmpty() && text.charAt(text.length() - 1) == REPLACEMENT;
    }
}
