package bestfit.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request to {@code /v1/chat/completions} or {@code /v1/completions}.
 *
 * @param model as sent; null when left out, which takes the served one
 * @param id as sent, to be the answer's behind its prefix; null to choose one
 * @param prompts one for chat, one or more for completions
 * @param chat which of the two shapes the answer has
 * @param echo the answer begins with the prompt (completions), or with a last message of who speaks on (chat)
 * @param enforced the tokens the answer must have; null for a free one
 * @param tokenStyle null: the engine's own
 * @param cacheSalt cached prefixes are shared with requests of the same one; null for none
 * @param tellsPrompt the answer has the conversation's text as the model reads it
 * @param processedLogprobs log-probabilities after penalties, temperature and cuts; null: as the engine does
 */
public record GenerationRequest(
        @Nullable String model,
        @Nullable String id,
        List<Prompt> prompts,
        boolean chat,
        boolean echo,
        GenerationOptions options,
        @Nullable Enforced enforced,
        @Nullable TokenStyle tokenStyle,
        @Nullable String cacheSalt,
        boolean tellsPrompt,
        @Nullable Boolean processedLogprobs) {
    public GenerationRequest {
        prompts = List.copyOf(prompts);
    }

    /** Who speaks: the assistant, unless the conversation's last turn was left open. */
    public String role() {
        return prompts.getFirst() instanceof Prompt.Chat conversation && !conversation.addGenerationPrompt()
                ? conversation.messages().getLast().role()
                : "assistant";
    }

    /** True when the answer is the prompt alone: a completion of 0 tokens with echo, for its log-probabilities. */
    public boolean echoOnly() {
        var limit = options.maxTokens();
        return echo && !chat && limit != null && limit.tokens() == 0;
    }
}
