package bestfit.cli;

import bestfit.model.ChatMessage;
import bestfit.model.Tokenizer;
import bestfit.workload.TokenCounter;
import java.util.List;
import java.util.OptionalInt;

/** Counts tokens with a {@code tokenizer.json}. */
record FileTokenizer(Tokenizer tokenizer) implements TokenCounter {
    @Override
    public int count(String text) {
        return tokenizer.encode(text, false).length;
    }

    @Override
    public OptionalInt countChat(String message) {
        return tokenizer.hasChatFormat()
                ? OptionalInt.of(count(tokenizer.chatPrompt(List.of(new ChatMessage("user", message)), true)))
                : OptionalInt.empty();
    }
}
