package bestfit.workload;

import java.util.List;

/**
 * What one user asks, turn by turn; the answers before are part of each later request. One turn is a request that stands alone.
 */
public record Conversation(List<Turn> turns) {
    public Conversation {
        turns = List.copyOf(turns);
    }

    /** @param outputTokens how long the answer is to be */
    public record Turn(String message, int outputTokens) {}
}
