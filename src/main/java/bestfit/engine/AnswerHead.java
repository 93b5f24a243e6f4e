package bestfit.engine;

import bestfit.openai.AnswerFormat;
import bestfit.openai.GenerationOptions;
import bestfit.openai.GenerationRequest;
import bestfit.openai.Prompt;
import bestfit.openai.StreamFormat;
import bestfit.openai.Usage;
import org.jspecify.annotations.Nullable;

/**
 * What every form of one request's answer says of itself.
 *
 * @param model as the request names it
 * @param fingerprint of the engine's configuration
 * @param created Unix time in seconds
 * @param promptText of chat, where the request wants it
 */
record AnswerHead(
        String id,
        String model,
        String fingerprint,
        long created,
        GenerationRequest request,
        @Nullable String promptText) {
    static AnswerHead of(EngineServer.Parts parts, GenerationRequest request, String id) {
        var named = request.model();
        return new AnswerHead(
                id,
                named == null || named.isEmpty() ? parts.config().args().servedName() : named,
                parts.fingerprint(),
                System.currentTimeMillis() / 1000,
                request,
                request.tellsPrompt() && request.prompts().getFirst() instanceof Prompt.Chat chat
                        ? parts.orders().text(chat)
                        : null);
    }

    /** @param cachedTokens of the prompts, from the prefix cache; null where it is not told */
    AnswerFormat.Frame whole(Usage usage, @Nullable Integer cachedTokens) {
        return new AnswerFormat.Frame(id, created, model, request.role(), fingerprint, usage, cachedTokens, promptText);
    }

    StreamFormat stream(GenerationOptions.Stream options) {
        return new StreamFormat(request.chat(), id, created, model, fingerprint, options.includeUsage());
    }
}
