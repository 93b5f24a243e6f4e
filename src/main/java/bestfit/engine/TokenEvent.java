package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.scheduler.Sequence.Finish;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the core tells the answer that waits for tokens. */
sealed interface TokenEvent {
    /**
     * A generated token.
     *
     * @param choice which of the request's choices
     * @param logprobs null when not asked for
     * @param promptLogprobs with the first token: one entry for each prompt position but the first; null when not asked for
     * @param cachedTokens of the prompt, from the prefix cache
     * @param finish null while the choice goes on
     */
    record Token(
            int choice,
            int id,
            @Nullable Logprobs logprobs,
            @Nullable List<Logprobs> promptLogprobs,
            int cachedTokens,
            @Nullable Finish finish)
            implements TokenEvent {}

    /** The choice ended without a further token: the engine stops, or the prompt can never be computed. */
    record Ended(int choice, Finish finish) implements TokenEvent {}

    /** The engine died; nothing more comes for any choice. */
    record Broken(String message) implements TokenEvent {}

    /** The client left; nothing more is wanted. */
    record Gone() implements TokenEvent {}
}
