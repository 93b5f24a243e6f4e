package bestfit.workload;

/** Where prompts come from. Same index, same prompt; thread-safe. */
@FunctionalInterface
public interface PromptSource {
    /** The prompt of the request with this number, from 0. */
    String prompt(int index);
}
