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

    /** @param continued the answer goes on with the last message, which stays open */
    record Chat(List<ChatMessage> messages, boolean addGenerationPrompt, boolean continued) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
        }
    }
}
