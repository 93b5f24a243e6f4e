package bestfit.workload;

import java.util.OptionalInt;

/** Counts tokens as the model under test does. Thread-safe. */
public interface TokenCounter {
    /** Tokens of a text alone, without those that begin every text. */
    int count(String text);

    /** Tokens of a conversation of one user message with the model's template around it; empty where it is not known. */
    OptionalInt countChat(String message);
}
