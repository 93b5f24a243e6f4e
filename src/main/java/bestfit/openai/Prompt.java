package bestfit.openai;

import java.util.List;

/** What a request asks to continue. */
public sealed interface Prompt {
    record Text(String text) implements Prompt {}

    record Tokens(List<Integer> ids) implements Prompt {
        public Tokens {
            ids = List.copyOf(ids);
        }
    }

    record Chat(List<ChatMessage> messages, boolean addGenerationPrompt) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
        }
    }
}
