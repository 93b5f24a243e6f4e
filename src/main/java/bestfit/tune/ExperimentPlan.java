package bestfit.tune;

/**
 * One of a campaign's experiments: prompts of one length, answers of another.
 *
 * @param requests in each block
 */
public record ExperimentPlan(String name, int promptTokens, int outputTokens, int requests) {
    /** Such as {@code short 12 × 200→60}. */
    public String title() {
        return name + " " + requests + " × " + shape();
    }

    public String shape() {
        return promptTokens + "→" + outputTokens;
    }

    ExperimentPlan sized(int newRequests) {
        return new ExperimentPlan(name, promptTokens, outputTokens, newRequests);
    }
}
