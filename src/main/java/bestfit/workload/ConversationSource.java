package bestfit.workload;

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
}
