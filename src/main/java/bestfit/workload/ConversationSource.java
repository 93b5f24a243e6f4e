package bestfit.workload;

import java.util.Optional;

/** Where conversations come from. Same number, same conversation; thread-safe. */
public interface ConversationSource {
    /** The conversation with this number, from 0. */
    Conversation conversation(int number);

    /** Without an end. */
    int ENDLESS = Integer.MAX_VALUE;

    /** How many there are. */
    default int count() {
        return ENDLESS;
    }

    /**
     * The first conversation that is known to be too long for a model, in words.
     *
     * @param context tokens that all of a conversation may have, answers among them
     * @param template tokens that each turn has besides
     * @param asked so many conversations are needed at most
     */
    default Optional<String> beyond(int context, int template, int asked) {
        return Optional.empty();
    }
}
